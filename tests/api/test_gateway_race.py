from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tasks.models import Run, Task
from tests.environment import ROOT

from .conftest import token_for

PROCESSES, EACH = 4, 50


def ask_at_once(env: dict[str, str], token: str, **more: Any) -> set[str]:
    command = [sys.executable, "-m", "tests.api.ask_at_once", str(EACH), token, json.dumps(more)]
    pipe = subprocess.PIPE
    asking = [
        subprocess.Popen(command, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        for process in asking:
            assert process.stdout.readline() == "ready\n"
        for process in asking:
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [json.loads(process.communicate(timeout=60)[0]) for process in asking]
    finally:
        for process in asking:
            process.kill()
    assert sum(map(len, answers)) == PROCESSES * EACH
    return {job for answer in answers for job in answer}


@pytest.mark.django_db(transaction=True)
def test_200_identical_crawls_at_once_from_four_processes_are_one_run(
    process_env: dict[str, str], shop_spider: Any, maja: Any
) -> None:
    jobs = ask_at_once(process_env, token_for(maja))
    assert jobs == {str(Run.objects.get().pk)}


@pytest.mark.django_db(transaction=True)
def test_200_identical_scheduled_crawls_at_once_are_one_task(
    process_env: dict[str, str], shop_spider: Any, maja: Any
) -> None:
    jobs = ask_at_once(process_env, token_for(maja), interval="0 6 * * *")
    assert jobs == {Task.objects.get(user_id="u").task_id}


@pytest.mark.needs("redis")
@pytest.mark.django_db(transaction=True)
def test_with_redis_before_it_there_is_still_exactly_one_run(
    process_env: dict[str, str], shop_spider: Any, maja: Any, redis_url: str
) -> None:
    jobs = ask_at_once({**process_env, "REDIS_URL": redis_url}, token_for(maja), user_id="r")
    assert jobs == {str(Run.objects.get().pk)}


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_is_gone_changes_nothing(
    process_env: dict[str, str], shop_spider: Any, maja: Any, free_port: int
) -> None:
    gone = {**process_env, "REDIS_URL": f"redis://127.0.0.1:{free_port}/0"}
    assert ask_at_once(gone, token_for(maja)) == {str(Run.objects.get().pk)}

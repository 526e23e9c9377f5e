from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Run, Task
from tests.environment import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

CHAINS = Path(__file__).parent.parent / "projects" / "chains"
FILE = """
pipelines:
  totals:
    schedule: {cron: "0 2 * * *"}
    chain:
      - class: shop.steps.Load
        kwargs: {count: 4}
      - class: shop.steps.Total
  broken:
    schedule: {interval: {hours: 1}}
    chain: [{class: shop.steps.Fails}]
  sleepy:
    chain: [{class: shop.steps.Sleeps}]
"""


@pytest.fixture
def start(process_env, tmp_path):
    path = tmp_path / "pipelines.yml"
    path.write_text(FILE)
    processes = []

    def run(*words: str, **environment: str) -> subprocess.Popen[str]:
        env = {**process_env, "SCRAPY_PROJECT_PATH": str(CHAINS), **environment}
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        return process

    run.path = str(path)
    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_one_pipeline_runs_once_and_other_queued_runs_are_left_alone(start):
    other = Task.objects.create(
        task_id="other", name="Other", kind="pipeline",
        arguments={"chain": [{"class": "shop.steps.Load"}]}, priority=100,
    )  # fmt: skip
    waiting = Run.objects.create(
        task=other, task_key="other", task_name="Other", kind="pipeline", trigger="manual",
        arguments=other.arguments, priority=100,
    )  # fmt: skip
    process = start("run_pipelines", start.path, "totals")
    out, _err = process.communicate(timeout=90)
    assert process.returncode == 0
    assert out.startswith("totals: Finished: 1 item, 0 pages, 0 errors")
    assert Run.objects.exclude(pk=waiting.pk).get().status == "succeeded"
    assert Task.objects.get(task_id="sleepy").schedules.get().kind == "startup"
    waiting.refresh_from_db()
    assert waiting.status == "queued"


def test_a_pipeline_that_fails_is_the_exit_code(start):
    process = start("run_pipelines", start.path, "broken")
    out, err = process.communicate(timeout=90)
    assert process.returncode == 1
    assert out.startswith("broken: Failed")
    assert "Not all pipelines succeeded." in err
    assert "Traceback" not in err


def test_sigterm_ends_what_runs(start):
    process = start("run_pipelines", start.path, "sleepy")
    wait_until(lambda: Run.objects.filter(status="running").exists(), timeout=60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 1
    run = Run.objects.get()
    assert run.is_ended
    with pytest.raises(ProcessLookupError):
        os.kill(run.pid, 0)


def test_legacy_mode_runs_the_configured_pipelines(start, tmp_path):
    path = tmp_path / "one.yml"
    path.write_text("pipelines: {totals: {chain: [{class: shop.steps.Load}]}}")
    process = start("runscheduler", SCHEDULER_MODE="legacy", PIPELINES_CONFIG=str(path))
    out, _err = process.communicate(timeout=90)
    assert process.returncode == 0
    assert out.startswith("totals: Finished")
    bare = start("runscheduler", SCHEDULER_MODE="legacy")
    _out, err = bare.communicate(timeout=60)
    assert bare.returncode == 1
    assert "PIPELINES_CONFIG" in err


def test_the_scheduler_imports_its_pipelines_and_runs_those_of_the_start(start, tmp_path):
    path = tmp_path / "one.yml"
    path.write_text("pipelines: {totals: {chain: [{class: shop.steps.Load}]}}")
    process = start("runscheduler", "--stop-runs", PIPELINES_CONFIG=str(path))
    wait_until(lambda: Run.objects.filter(status="succeeded").exists(), timeout=90)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert Run.objects.get().trigger == "startup"


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        (FILE, ["nosuch"], "has no pipeline “nosuch”. It has: totals, broken, sleepy."),
        ("jobs: []", [], "has no pipelines."),
        ("pipelines: 5", [], "line 1: This must be names with values."),
    ],
)
def test_a_pipeline_that_is_not_there_is_refused(tmp_path, text, words, sentence):
    path = tmp_path / "file.yml"
    path.write_text(text)
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("run_pipelines", str(path), *words)
    assert not Task.objects.exists()

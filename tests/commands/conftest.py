from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tasks.management.commands.tasks import Command
from tasks.models import SchedulerProcess, SpiderInfo, Task
from tasks.services import create_task
from tests.environment import ROOT

SCHEMA = {
    "type": "object",
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}},
        "max_pages": {"type": "integer", "minimum": 1},
        "password": {"type": "string", "secret": True},
    },
    "required": [],
}


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def shop_spider(db: None) -> SpiderInfo:
    return SpiderInfo.objects.create(
        name="shop", title="Shop prices", schema=deepcopy(SCHEMA), seen_at=timezone.now()
    )


@pytest.fixture
def shop(shop_spider: SpiderInfo) -> Task:
    return create_task(
        task_id="shop",
        name="Shop prices",
        spider="shop",
        arguments={"max_pages": 3, "password": "swordfish"},
        schedules=[{"kind": "cron", "cron": "0 6 * * *"}],
    )


@pytest.fixture
def scheduler(db: None) -> SchedulerProcess:
    now = timezone.now()
    return SchedulerProcess.objects.create(
        name="box:1", host="box", pid=1, started_at=now, seen_at=now, is_leader=True
    )


@pytest.fixture
def tasks(db: None) -> Callable[..., Answer]:
    """The command inside this process: quick."""

    def run(*words: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("tasks", *map(str, words), stdout=out, stderr=err)
        except CommandError as error:
            return Answer(error.returncode, out.getvalue(), err.getvalue() + str(error))
        return Answer(0, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def manage(process_env: dict[str, str]) -> Callable[..., Answer]:
    """`manage.py ...` as a process of its own: what a shell sees."""

    def run(*words: object) -> Answer:
        done = subprocess.run(
            [sys.executable, "manage.py", *map(str, words)],
            cwd=ROOT, env=process_env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def shell(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """What `manage.py tasks ...` does behind its imports: argv in, exit code and streams out."""

    def run(*words: object) -> Answer:
        capsys.readouterr()
        code: Any = 0
        try:
            Command().run_from_argv(["manage.py", "tasks", *map(str, words)])
        except SystemExit as end:
            code = end.code or 0
        return Answer(code, *capsys.readouterr())

    return run

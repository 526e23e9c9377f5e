from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from tasks.scheduling import registry
from tasks.scheduling.jobstore import ScheduleJobStore
from tasks.scheduling.lease import Lease
from tasks.scheduling.timekeeper import Timekeeper
from tests.processes import MARK, marked, spawn
from tests.scheduling.helpers import NOON

ROOT = Path(__file__).resolve().parents[2]
WILD = ROOT / "tests" / "projects" / "wild"
CLOCK = ("-m", "tests.scheduling.clock_process")
SCHEDULER = ("manage.py", "runscheduler")
FAILING = ("-m", "tests.scheduling.failing_process")

Start = Callable[..., "subprocess.Popen[bytes]"]


class Watch:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    registry.known.clear()
    yield
    registry.known.clear()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def store(db: None) -> ScheduleJobStore:
    return ScheduleJobStore()


@pytest.fixture
def make_keeper(db: None, watch: Watch) -> Callable[..., Timekeeper]:
    def make(name: str = "one", agenda: object = None) -> Timekeeper:
        return Timekeeper(
            agenda=agenda or ScheduleJobStore(), lease=Lease(holder=name), clock=watch
        )

    return make


@pytest.fixture
def keeper(make_keeper: Callable[..., Timekeeper]) -> Timekeeper:
    return make_keeper()


@pytest.fixture
def start(process_env: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts a clock, or what it is told to; all that were started are gone at the end."""
    started: list[subprocess.Popen[bytes]] = []
    log = (tmp_path / "schedulers.log").open("ab")
    mark = str(tmp_path)
    env = {**process_env, "SCRAPY_PROJECT_PATH": str(WILD), "DEMO": "off", MARK: mark}

    def begin(*command: str, **more: str) -> subprocess.Popen[bytes]:
        process = spawn(*(command or CLOCK), env=env | more, log=log)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
    for line in marked(mark):  # launchers and spiders, which outlive their scheduler
        with suppress(ProcessLookupError):
            os.kill(int(line.split()[0]), signal.SIGKILL)
    log.close()

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from django.conf import settings

from tasks.execution.catalogue import project_environment
from tasks.execution.folder import run_folder
from tasks.execution.processes import members
from tasks.execution.worker import Worker
from tasks.executors.local import LocalExecutor
from tasks.models import Run, Schedule, Task
from tasks.services.runs import new_run
from tests.website import Site

WILD = Path(__file__).parent.parent / "projects" / "wild"


class Bench:
    """A worker that is driven by the test itself: no thread, no waiting in the dark."""

    def __init__(self, launcher):
        self.effects = Path(settings.DATA_DIR) / "effects"
        self.go = Path(settings.DATA_DIR) / "go"
        self.launcher = launcher
        self.workers = []
        self.worker = self.new_worker()

    def use_own_launcher(self):
        """For tests that end it, or that look at its environment."""
        self.launcher = None
        self.replace_worker()

    def new_worker(self, **options):
        options = {"max_workers": 4, "grace": 1.0, **options}
        if self.launcher is not None:
            options["executor"] = LocalExecutor(
                path=self.launcher / "launcher.sock",
                log=self.launcher / "launcher.log",
                environment=project_environment(),
            )
        worker = Worker("here", **options)
        worker.bell = _SilentBell()
        self.workers.append(worker)
        return worker

    def replace_worker(self, **options):
        """As after kill -9: nothing is handed over."""
        self.worker.executor._disconnect()
        if self.worker._lock is not None:
            os.close(self.worker._lock)
            self.worker._lock = None
        self.worker = self.new_worker(**options)

    def leaves_waiting(self, run):
        """Though it has had its turns."""
        for _ in range(3):
            self.worker._turn()
        run.refresh_from_db()
        return run.status == "queued"

    def queue(self, spider="echo", *, task=None, arguments=None, **fields):
        task = task or self.task(spider)
        names = {"trigger", "settings", "priority", "not_before", "ignore_cache"}
        extra = {name: fields[name] for name in names & fields.keys()}
        run = new_run(task, **{"trigger": Run.Trigger.MANUAL, **extra})
        run.arguments = arguments or {}
        run.save(force_insert=True)
        return run

    def waits(self, **fields):
        """A run that goes on until somebody touches `go`, however slow the machine is."""
        arguments = {"until": str(self.go), **fields.pop("arguments", {})}
        return self.queue("sleeps", arguments=arguments, **fields)

    def watched(self, spider, **arguments):
        """A run whose end makes another one, which waits long: each end leaves one, as an alert."""
        run = self.queue(spider, arguments=arguments)
        follow_up_of(run.task)
        return run

    def told(self, run):
        """How often it ended, after some more looks."""
        for _ in range(3):
            self.worker._next_tick = 0.0
            self.worker._turn()
        return Run.objects.filter(upstream=run.pk).count()

    def task(self, spider, **fields):
        number = Task.objects.count()
        values = {"task_id": f"task-{number}", "name": f"Task {number}", "spider": spider}
        return Task.objects.create(**{**values, "retry_delay": 0, **fields})

    def drive(self, condition, timeout=60):
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < deadline, f"still {value!r}; {self.states()}"
            self.worker._turn()
        return value

    def until_status(self, run, *statuses, timeout=60):
        def reached():
            run.refresh_from_db()
            return run.status in statuses

        self.drive(reached, timeout)
        return run

    def until_ended(self, run, timeout=60):
        return self.until_status(
            run, "succeeded", "suspicious", "failed", "cancelled", timeout=timeout
        )

    def until_item(self, run, timeout=60):
        """Running, and its spider has yielded something."""
        self.until_status(run, "running", timeout=timeout)
        self.drive(lambda: self.items(run), timeout)
        return run

    def items(self, run):
        path = run_folder(run) / "items.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def log(self, run):
        path = run_folder(run) / "run.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def states(self):
        newest = Run.objects.order_by("-queued_at")[:20]
        return list(newest.values_list("spider", "status", "reason", "detail"))

    def close(self):
        for run in Run.objects.exclude(pid=None):
            for pid in members(run.pid, str(run.pk)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for worker in self.workers:
            worker.executor.close(quit_too=self.launcher is None)
            for descriptor in (worker._reading, worker._writing, worker._lock):
                if descriptor is not None:
                    os.close(descriptor)


def follow_up_of(task):
    alert = Task.objects.create(task_id=f"{task.task_id}-told", name="Told", spider="echo")
    Schedule.objects.create(
        task=alert, key="after", kind="after", after_task=task, after_on="either", delay=3600
    )


class _SilentBell:
    """The real one is tested by itself; here its socket would outlive the test's folder."""

    def __init__(self):
        self._reading, self._writing = os.pipe()

    def fileno(self):
        return self._reading

    def answer(self):
        return {b"queued", b"stopping"}

    def __del__(self):
        os.close(self._reading)
        os.close(self._writing)


@pytest.fixture(scope="session")
def launcher(tmp_path_factory):
    """One launcher for all tests of a process: starting one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("launcher")
    yield folder
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "launcher.sock"))
        client.sendall(b'{"op": "quit"}\n')
        client.recv(1)


def use_project(settings, folder):
    """Its spiders may reach the local website, and nothing comes from elsewhere."""
    settings.SCRAPY_PROJECT_PATH = str(folder)
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.DEMO = False
    settings.REDIS_URL = ""


@pytest.fixture
def bench(transactional_db, settings, data_dir, launcher):
    use_project(settings, WILD)
    with contextlib.closing(Bench(launcher)) as bench:
        yield bench


@pytest.fixture
def site():
    with Site() as site:
        yield site

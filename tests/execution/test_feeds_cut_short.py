"""A storage that doesn't answer: the items were read, and never arrived there."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from tasks.execution.folder import run_folder
from tasks.models import Task
from tasks.services.runs import cancel_run
from tests.execution.test_supervision import nothing_left


@pytest.fixture
def storing(bench, monkeypatch):
    """Starts a run whose spider has finished, and whose feed is under way for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("SPIDER_FEED", f"ftp://user:secret@127.0.0.1:{port}/items.jsonl")
        bench.use_own_launcher()

        def start():
            run = bench.queue("echo", settings={"PRESET": "to_storage"})
            bench.drive((run_folder(run) / "outcome.json").exists)
            return bench.until_status(run, "running")

        yield start


def test_a_run_that_is_stopped_while_it_stores_its_items_has_not_succeeded(bench, storing):
    run = storing()
    cancel_run(run_id=run.pk)
    bench.until_ended(run)
    assert (run.status, run.reason, run.items) == ("cancelled", "cancelled", 1)
    assert nothing_left(run)


def test_a_run_that_stores_its_items_beyond_its_time_limit_has_failed(bench, storing):
    run = storing()
    Task.objects.update(timeout=1)
    bench.until_ended(run)
    assert (run.status, run.reason, run.exit_code) == ("failed", "timeout", -9)


def test_a_run_whose_end_nobody_saw_while_it_stored_its_items_is_lost(bench, storing):
    run = storing()
    os.kill(bench.worker.executor.pid(), signal.SIGKILL)
    os.killpg(run.pid, signal.SIGKILL)
    bench.until_ended(run)
    assert (run.status, run.reason, run.items) == ("failed", "lost", 1)

"""A real disk that is full, while a run writes to it."""

from __future__ import annotations

import os
import signal

import pytest

from tasks.execution.folder import run_folder
from tasks.execution.processes import members
from tasks.models import Task
from tasks.outcomes import explain
from tasks.runtime.machine import is_alive
from tasks.services.runs import cancel_run
from tests.small_disk import small_disk
from tests.waiting import wait_until


@pytest.fixture
def disk(tmp_path, settings, monkeypatch):
    with small_disk(tmp_path / "small", 8) as disk:
        settings.DATA_DIR = disk.folder
        monkeypatch.setattr("tasks.execution.worker.LEAST_FREE_BYTES", 1024 * 1024)
        yield disk


@pytest.fixture
def bench(disk, bench, tmp_path):
    bench.go = tmp_path / "go"  # there is room for that one
    return bench


def recovers(bench, disk):
    disk.empty()
    again = bench.until_ended(bench.queue("echo"))
    return (again.status, again.items) == ("succeeded", len(bench.items(again)))


def test_items_that_found_no_room_are_counted_as_not_saved(bench, disk):
    run = bench.until_item(bench.waits(arguments={"kilobytes": 8}))
    disk.fill()
    bench.go.touch()
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "items_lost"), run.detail
    assert (run.items, run.detail["stored"]) == (2, 1)
    assert "only 1 were saved" in explain(run.reason, run.detail).happened
    assert "No space left" in run.detail["message"]
    assert len(bench.items(run)) == 1
    assert recovers(bench, disk)


def test_a_log_that_found_no_room_is_said_although_the_items_are_here(bench, disk):
    run = bench.until_item(bench.queue("talks_on", arguments={"until": str(bench.go)}))
    size = (run_folder(run) / "run.log").stat
    wait_until(lambda: size().st_size > 8000)
    disk.fill()
    seen = [size().st_size]
    wait_until(lambda: seen.append(size().st_size) or len(set(seen[-20:])) == 1 < len(seen) - 20)
    bench.go.touch()
    bench.until_ended(run)
    assert (run.status, run.reason) == ("suspicious", "log_lost"), run.detail
    assert run.items == len(bench.items(run)) == 1
    assert recovers(bench, disk)


def test_a_run_can_be_stopped_on_a_full_disk(bench, disk):
    run = bench.until_item(bench.queue("endless"))
    disk.fill()
    cancel_run(run_id=run.pk)
    bench.until_ended(run)
    assert run.status == "cancelled"
    assert members(run.pid, str(run.pk)) == []
    assert recovers(bench, disk)


def test_a_limit_ends_a_run_on_a_full_disk(bench, disk):
    run = bench.until_item(bench.queue("ignores_term"))
    disk.fill()
    Task.objects.update(timeout=1)
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "timeout")
    assert recovers(bench, disk)


def test_a_run_that_is_killed_on_a_full_disk_is_no_success(bench, disk):
    run = bench.until_item(bench.queue("sleeps"))
    disk.fill()
    os.killpg(run.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(run.pid, run.start_ticks))
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "killed")
    assert recovers(bench, disk)


def test_what_could_not_be_tidied_on_a_full_disk_is_tidied_when_there_is_room(
    bench, disk, monkeypatch
):
    monkeypatch.setattr("tasks.execution.supervising.TIDY_AGAIN", 0.5)
    run = bench.until_item(bench.waits())
    log, packed = run_folder(run) / "run.log", run_folder(run) / "run.log.gz"
    with log.open("ab") as file:
        file.write(os.urandom(3_000_000))  # of which no packing makes less
    disk.fill()
    bench.go.touch()
    bench.until_ended(run)
    assert not packed.exists()
    assert not packed.with_name(".run.log.gz").exists()
    disk.empty()
    bench.drive(lambda: packed.exists() and not log.exists())
    assert (run_folder(run) / "report.json").exists()


def test_nothing_starts_on_a_full_disk_and_everything_when_there_is_room_again(bench, disk):
    disk.fill()
    run = bench.queue("echo")
    assert bench.leaves_waiting(run)
    assert bench.worker.condition.disk_free == 0
    disk.empty()
    assert bench.until_ended(run).status == "succeeded"

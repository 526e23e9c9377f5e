"""The real scheduler with its launcher and runs, killed in every combination."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections import Counter
from contextlib import suppress

import psutil
import pytest
from django.db import connection

from tasks.execution.folder import run_folder
from tasks.models import Run, SchedulerProcess, Task
from tasks.runtime.machine import is_alive
from tasks.services.runs import new_run
from tests.environment import ROOT
from tests.execution.conftest import follow_up_of
from tests.processes import MARK, marked, spawn
from tests.small_disk import small_disk
from tests.waiting import wait_until

WILD = ROOT / "tests" / "projects" / "wild"
SECONDS_TO_SETTLE = 15


@pytest.fixture
def scheduler(process_env, tmp_path):
    """Starts `manage.py runscheduler`; of all that were started nothing is left at the end."""
    started, mark = [], str(tmp_path)
    env = process_env | {"SCRAPY_PROJECT_PATH": str(WILD), "DEMO": "off", MARK: mark}

    def begin(**more):
        with (tmp_path / "scheduler.log").open("ab") as log:
            process = spawn("manage.py", "runscheduler", env=env | more, log=log)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGUSR1)
            process.wait(40)
    # What a launcher that was killed had waiting for the next run leaves a moment after it.
    with suppress(AssertionError):
        wait_until(lambda: not marked(mark), 10)
    assert marked(mark) == [], (tmp_path / "scheduler.log").read_text()


def queue(**arguments):
    name = f"task-{Task.objects.count()}"
    task = Task.objects.create(task_id=name, name=name, spider="sleeps", retry_delay=0)
    run = new_run(task, trigger=Run.Trigger.MANUAL)
    run.arguments = arguments
    run.save(force_insert=True)
    return run


def running(*runs):
    def all_run():
        for run in runs:
            run.refresh_from_db()
        return all(run.status == "running" for run in runs)

    wait_until(all_run, 60)
    files = [run_folder(run) / "items.jsonl" for run in runs]
    wait_until(lambda: all(file.exists() and file.stat().st_size for file in files))


def outcome_of(run):
    run.refresh_from_db()
    return run.status, run.reason


def launcher_of(run):
    parent = psutil.Process(run.pid).parent()
    assert "launcher" in parent.cmdline()
    return parent.pid


def test_after_the_death_of_everything_at_once_one_run_is_lost_and_another_goes_on(
    scheduler, data_dir, tmp_path
):
    effects, go = tmp_path / "effects", tmp_path / "go"
    lost, lives = queue(effects=str(effects)), queue(effects=str(effects), until=str(go))
    follow_up_of(lost.task)
    follow_up_of(lives.task)
    first = scheduler()
    running(lost, lives)
    for pid in (first.pid, launcher_of(lost), lost.pid):
        os.kill(pid, signal.SIGKILL)
    first.wait()
    second = scheduler()
    wait_until(SchedulerProcess.objects.filter(pid=second.pid).exists, 60)
    wait_until(lambda: outcome_of(lost) == ("failed", "lost"), SECONDS_TO_SETTLE)
    assert outcome_of(lives)[0] == "running"
    pid = lives.pid
    go.touch()
    wait_until(lambda: outcome_of(lives)[0] == "succeeded", SECONDS_TO_SETTLE)
    assert lives.pid == pid
    assert not is_alive(pid, lives.start_ticks)
    starts = Counter(line.split()[0] for line in effects.read_text().splitlines())
    assert starts == {str(lost.pk): 1, str(lives.pk): 1}
    told = Counter(Run.objects.filter(trigger="chain").values_list("upstream", flat=True))
    assert told == {lost.pk: 1, lives.pk: 1}


def test_a_launcher_that_does_not_leave_is_ended(scheduler, tmp_path):
    go = tmp_path / "go"
    run = queue(until=str(go))
    process = scheduler()
    running(run)
    launcher = launcher_of(run)
    go.touch()
    wait_until(lambda: outcome_of(run)[0] == "succeeded")
    os.kill(launcher, signal.SIGSTOP)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(40) == 0
    assert not psutil.pid_exists(launcher)


def test_a_database_without_room_says_so_and_is_written_when_there_is_room_again(
    scheduler, tmp_path
):
    if connection.vendor != "sqlite":
        pytest.skip("this is about a database on the same disk as the runs")
    go = tmp_path / "go"
    run = queue(until=str(go), kilobytes=8)
    # Above the limit below which nothing starts.
    with small_disk(tmp_path / "small", 300) as disk:
        database = disk.folder / "db.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(database)])
        process = scheduler(DATA_DIR=str(disk.folder), DATABASE_URL=f"sqlite:///{database}")
        items = disk.folder / "runs" / run.task_key / str(run.pk) / "items.jsonl"
        wait_until(lambda: items.exists() and items.stat().st_size, 60)
        disk.fill()
        log = tmp_path / "scheduler.log"
        wait_until(
            lambda: "the database cannot be used: database or disk is full" in log.read_text()
        )
        go.touch()
        wait_until(
            lambda: stored(database, run) != "running" or (items.parent / "exit.json").exists()
        )
        assert process.poll() is None
        assert stored(database, run) != "succeeded"
        disk.empty()
        wait_until(lambda: stored(database, run) == "failed", SECONDS_TO_SETTLE)
        process.send_signal(signal.SIGUSR1)
        assert process.wait(40) == 0, log.read_text()


def stored(database, run):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as other:
        rows = other.execute("SELECT status FROM tasks_run WHERE id = ?", [run.pk.hex])
        return rows.fetchone()[0]

"""Runs where there is no /proc (macOS): the same promises, kept by other means."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from tasks.execution.folder import run_folder
from tasks.execution.processes import members
from tasks.models import Run
from tasks.runtime.machine import is_alive
from tasks.services.runs import cancel_run
from tests.elsewhere import elsewhere, no_proc, other_tree  # noqa: F401 - fixtures
from tests.execution.conftest import WILD
from tests.processes import MARK, marked
from tests.waiting import wait_until

SECONDS_TO_SETTLE = 15
SECONDS_TO_STOP = 5


@pytest.fixture
def bench(bench, elsewhere):  # noqa: F811
    bench.use_own_launcher()
    return bench


def nothing_left(run):
    return members(run.pid, str(run.pk), run.start_ticks) == []


def test_each_run_is_a_fresh_process_and_the_scheduler_says_why(bench):
    run = bench.until_ended(bench.queue("echo"))
    assert run.status == "succeeded"
    assert run.start_ticks > 0
    assert run.boot_id == ""
    health = bench.drive(lambda: (found := bench.worker.executor.health()).notes and found)
    assert health.mode == "fresh"
    assert {"code": "fork_platform", "platform": sys.platform} in health.notes


def test_a_process_waits_for_the_next_run(bench):
    """It has imported all that a run needs, so that a run starts as soon as a forked one."""
    bench.until_ended(bench.queue("echo"))
    launcher = bench.worker.executor.pid()

    def waits():
        found = [each for each in machine_children(launcher) if is_alive(each, None)]
        return found[0] if len(found) == 1 else None

    spare = bench.drive(waits)
    run = bench.until_ended(bench.queue("echo"))
    assert run.pid == spare


def machine_children(pid):
    import psutil

    return [each.pid for each in psutil.Process(pid).children()]


@pytest.mark.parametrize("spider", ["sleeps", "ignores_term", "grandchildren", "stubborn"])
def test_a_stopped_run_is_stopped_only_when_nothing_of_it_is_left(bench, spider):
    run = bench.until_item(bench.watched(spider))
    cancel_run(run_id=run.pk)
    bench.until_ended(run, timeout=bench.worker.supervisor.grace + SECONDS_TO_STOP)
    assert (run.status, run.reason) == ("cancelled", "cancelled")
    assert nothing_left(run)
    left = bench.items(run)[0].get("left")
    assert left is None or not is_alive(left, None)
    assert bench.told(run) == 1


def test_a_run_that_was_suspended_from_outside_can_be_stopped(bench):
    run = bench.until_item(bench.queue("sleeps"))
    os.killpg(run.pid, signal.SIGSTOP)
    cancel_run(run_id=run.pk)
    bench.until_ended(run, timeout=bench.worker.supervisor.grace + SECONDS_TO_STOP)
    assert run.status == "cancelled"
    assert nothing_left(run)


@pytest.mark.parametrize("spider", ["leaks", "big_browser"])
def test_a_run_that_uses_too_much_memory_is_ended(bench, spider):
    run = bench.until_ended(bench.queue(task=bench.task(spider, memory_limit_mb=250)))
    assert (run.status, run.reason) == ("failed", "memory")
    assert run.detail["used"] > 250
    assert nothing_left(run)


def test_a_run_that_ends_well_leaves_nothing_behind(bench):
    run = bench.until_ended(bench.queue("leaves_behind"))
    assert run.status == "succeeded"
    assert not is_alive(bench.items(run)[0]["left"], None)


def test_what_lost_its_parent_ends_with_the_run_by_its_environment(bench):
    run = bench.until_ended(bench.queue("orphans"))
    assert run.status == "succeeded"
    assert not is_alive(bench.items(run)[0]["left"], None)


def test_runs_outlive_their_supervisor_and_are_adopted(bench):
    run = bench.until_item(bench.watched("sleeps", until=str(bench.go)))
    pid = run.pid
    bench.replace_worker()
    bench.go.touch()
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.status, run.pid) == ("succeeded", pid)
    assert bench.told(run) == 1


def test_a_killed_run_is_killed_and_one_that_nobody_saw_end_is_lost(bench):
    killed = bench.until_item(bench.watched("sleeps"))
    os.killpg(killed.pid, signal.SIGKILL)
    bench.until_ended(killed, SECONDS_TO_SETTLE)
    assert (killed.status, killed.reason) == ("failed", "killed")
    lost = bench.until_item(bench.watched("sleeps"))
    os.kill(bench.worker.executor.pid(), signal.SIGKILL)
    os.killpg(lost.pid, signal.SIGKILL)
    bench.until_ended(lost, SECONDS_TO_SETTLE)
    assert (lost.status, lost.reason) == ("failed", "lost")
    assert bench.told(lost) == 1


def test_a_stranger_with_the_same_number_is_never_signalled(bench):
    """Nor what it leads: a session, and processes below it."""
    run = bench.until_item(bench.watched("sleeps"))
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    stranger = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        wait_until(lambda: machine_children(stranger.pid))
        os.killpg(run.pid, signal.SIGKILL)
        Run.objects.filter(pk=run.pk).update(pid=stranger.pid, start_ticks=1)
        (run_folder(run) / "exit.json").unlink(missing_ok=True)
        cancel_run(run_id=run.pk)
        bench.until_ended(run, SECONDS_TO_SETTLE)
        assert bench.told(run) == 1
        assert is_alive(stranger.pid, None)
        assert machine_children(stranger.pid)
    finally:
        stranger.communicate(b"\n")


def test_figures_of_a_live_run_have_its_memory(bench):
    run = bench.until_item(bench.queue("endless"))
    bench.drive(lambda: Run.objects.get(pk=run.pk).progress.get("memory_kb"))
    assert Run.objects.get(pk=run.pk).progress["memory_kb"] > 10_000


def test_a_job_of_ours_runs_too(bench, process_env, monkeypatch):
    for name in ("DATA_DIR", "DATABASE_URL"):
        monkeypatch.setenv(name, process_env[name])
    bench.use_own_launcher()
    task = bench.task("", kind="cleanup", task_id="clean")
    run = bench.until_ended(bench.queue("", task=task))
    assert run.status == "succeeded", bench.log(run)


# --- the whole product --------------------------------------------------------------------------


@pytest.fixture
def manage(process_env, other_tree, tmp_path):  # noqa: F811
    """Commands of the copy; of the processes that they start nothing is left at the end."""
    mark = str(tmp_path)
    env = process_env | {"SCRAPY_PROJECT_PATH": str(WILD), "DEMO": "off", MARK: mark}
    started = []

    def begin(*arguments):
        with (tmp_path / "scheduler.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=other_tree, env=env, stdout=log, stderr=log,
            )  # fmt: skip
        started.append(process)
        return process

    def ask(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        options = {"cwd": other_tree, "env": env, "capture_output": True, "text": True}
        done = subprocess.run(command, check=False, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    begin.ask = ask
    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGUSR1)
            process.wait(40)
    wait_until(lambda: marked(mark) == [])


@pytest.mark.long
def test_a_scheduler_takes_over_what_another_left_and_says_why_runs_start_afresh(
    manage, data_dir, no_proc  # noqa: F811
):  # fmt: skip
    manage.ask("tasks", "add-interval", "slow", "sleeps", "--hours", "5")
    first = manage("runscheduler")
    manage.ask("tasks", "run-now", "slow")
    run = Run.objects.get()
    wait_until(lambda: Run.objects.get(pk=run.pk).status == "running", 60)
    wait_until((run_folder(run) / "items.jsonl").exists)
    run.refresh_from_db()
    first.kill()
    first.wait()
    second = manage("runscheduler")
    how = f"in fresh processes ({socket.gethostname()}/{second.pid})"
    why = "forking is not safe"

    def says_so():
        text = " ".join(manage.ask("tasks", "status").split())
        return how in text and why in text

    wait_until(says_so, 60, every=0.5)
    heard = Run.objects.get(pk=run.pk).heartbeat_at
    wait_until(lambda: Run.objects.get(pk=run.pk).heartbeat_at > heard, 30)
    assert Run.objects.get(pk=run.pk).pid == run.pid
    assert is_alive(run.pid, run.start_ticks)
    manage.ask("tasks", "cancel", str(run.pk))
    wait_until(lambda: Run.objects.get(pk=run.pk).status == "cancelled", 30)
    assert nothing_left(run)

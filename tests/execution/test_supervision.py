from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.execution.processes import members
from tasks.models import Run
from tasks.runtime.machine import boot_id, is_alive
from tasks.runtime.order import claim_path, revoke
from tasks.services.runs import cancel_run
from tasks.services.tasks import remove_task
from tests.execution.conftest import follow_up_of
from tests.waiting import wait_until

SECONDS_TO_SETTLE = 15
# Beyond the grace period.
SECONDS_TO_STOP = 5


def nothing_left(run):
    return members(run.pid, str(run.pk)) == []


# --- stop -------------------------------------------------------------------------------------


@pytest.mark.parametrize("spider", ["sleeps", "ignores_term", "grandchildren", "blocks"])
def test_a_stopped_run_is_stopped_only_when_nothing_of_it_is_left(bench, spider):
    run = bench.until_item(bench.watched(spider))
    cancel_run(run_id=run.pk)
    bench.until_ended(run, timeout=bench.worker.supervisor.grace + SECONDS_TO_STOP)
    assert (run.status, run.reason) == ("cancelled", "cancelled")
    assert nothing_left(run)
    assert bench.told(run) == 1


def test_a_run_that_was_suspended_from_outside_can_be_stopped(bench):
    run = bench.until_item(bench.queue("sleeps"))
    os.killpg(run.pid, signal.SIGSTOP)
    cancel_run(run_id=run.pk)
    bench.until_ended(run, timeout=bench.worker.supervisor.grace + SECONDS_TO_STOP)
    assert run.status == "cancelled"
    assert nothing_left(run)


def test_a_run_that_ends_by_itself_while_it_is_stopped_keeps_its_own_outcome(bench):
    run = bench.until_item(bench.watched("sleeps", until=str(bench.go)))
    bench.go.touch()
    wait_until(lambda: not is_alive(run.pid, run.start_ticks))
    cancel_run(run_id=run.pk)
    bench.until_ended(run)
    assert run.status == "succeeded"
    assert bench.told(run) == 1


def test_items_and_log_of_a_stopped_run_are_kept(bench):
    run = bench.until_item(bench.queue("endless"))
    cancel_run(run_id=run.pk)
    bench.until_ended(run)
    assert run.items == len(bench.items(run)) > 0
    assert "Received SIGTERM" in bench.log(run)


def test_a_run_whose_task_is_deleted_with_its_history_goes_when_it_has_ended(bench):
    run = bench.until_item(bench.queue("endless"))
    folder, pid = run_folder(run), run.pid
    remove_task(task_id=run.task.task_id, keep_history=False)
    assert Run.objects.get(pk=run.pk).task is None
    bench.drive(lambda: not Run.objects.exists() and not folder.parent.exists())
    assert members(pid, str(run.pk)) == []


def test_a_claimed_run_that_has_not_started_is_cancelled_without_a_process(bench):
    run = bench.queue("echo")
    bench.worker.executor.start = lambda start: None
    bench.until_status(run, "starting")
    cancel_run(run_id=run.pk)
    bench.until_ended(run)
    assert (run.status, run.pid) == ("cancelled", None)


def test_a_run_that_ends_well_leaves_nothing_behind(bench):
    run = bench.until_ended(bench.queue("leaves_behind"))
    assert run.status == "succeeded"
    assert not is_alive(bench.items(run)[0]["left"], None)


@pytest.mark.parametrize("kills", [False, True])
def test_what_hides_from_a_run_that_ignores_everything_ends_with_it(bench, kills):
    """Whether it is told to end, or takes too much memory."""
    task = bench.task("stubborn", memory_limit_mb=10 if kills else 0)
    run = bench.queue(task=task)
    if not kills:
        bench.until_item(run)
        cancel_run(run_id=run.pk)
    bench.until_ended(run, timeout=bench.worker.supervisor.grace + SECONDS_TO_SETTLE)
    assert run.reason == ("memory" if kills else "cancelled")
    assert not is_alive(bench.items(run)[0]["left"], None)
    assert nothing_left(run)


# --- limits -----------------------------------------------------------------------------------


def test_a_run_over_its_time_limit_is_ended(bench):
    run = bench.queue("sleeps", task=bench.task("sleeps", timeout=1))
    bench.until_ended(run)
    assert (run.status, run.reason, run.detail["limit"]) == ("failed", "timeout", 1)
    assert nothing_left(run)


def test_a_run_without_progress_is_ended(bench):
    run = bench.queue("blocks", task=bench.task("blocks", no_progress_timeout=1))
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "no_progress")


def test_a_run_that_uses_too_much_memory_is_ended(bench):
    run = bench.queue("leaks", task=bench.task("leaks", memory_limit_mb=250))
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "memory")
    assert run.detail["used"] > 250


def test_a_run_that_used_a_little_too_much_is_not_said_to_have_used_what_it_may(bench, monkeypatch):
    run = bench.until_item(bench.queue("sleeps", task=bench.task("sleeps", memory_limit_mb=250)))
    used = {run.pid: 250 * 1024 + 1}
    monkeypatch.setattr("tasks.execution.supervising.memory_of_runs", lambda limited: used)
    bench.until_ended(run)
    assert (run.reason, run.detail["used"]) == ("memory", 251)


def test_what_a_run_started_counts_for_its_memory_wherever_it_went(bench):
    run = bench.queue(task=bench.task("big_browser", memory_limit_mb=150))
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "memory")
    assert nothing_left(run)


def test_retries_are_new_runs_with_more_and_more_time_between(bench):
    task = bench.task("kills_itself", max_retries=2)
    first = bench.until_ended(bench.queue(task=task))
    second = Run.objects.get(retry_of=first)
    assert (second.trigger, second.attempt) == ("retry", 2)
    bench.until_ended(second)
    third = Run.objects.get(retry_of=second)
    bench.until_ended(third)
    assert third.attempt == 3
    assert not Run.objects.filter(retry_of=third).exists()


def test_a_mistake_in_the_spider_is_not_tried_again(bench):
    run = bench.until_ended(bench.queue(task=bench.task("raises_in_init", max_retries=3)))
    assert run.reason == "spider_error"
    assert not Run.objects.filter(retry_of=run).exists()


# --- progress ---------------------------------------------------------------------------------


def test_figures_of_a_live_run_come_every_second(bench):
    run = bench.until_item(bench.queue("endless"))
    bench.drive(lambda: Run.objects.get(pk=run.pk).items > 0)
    first = Run.objects.get(pk=run.pk)
    bench.drive(lambda: Run.objects.get(pk=run.pk).items > first.items, 5)
    run.refresh_from_db()
    assert run.progress["stage"] == "reading"
    assert run.progress["memory_kb"] > 10_000
    assert run.progress["items_per_minute"] > 0
    assert (timezone.now() - run.heartbeat_at).total_seconds() < 3


def test_the_figures_of_all_runs_are_one_statement(bench, django_assert_max_num_queries):
    runs = [bench.until_item(bench.queue("endless")) for _ in range(3)]
    assert len(runs) == 3
    with django_assert_max_num_queries(2):
        bench.worker.supervisor.look()


def test_a_live_run_is_estimated_against_the_usual(bench):
    task = bench.task("endless", overlap_policy="allow")
    for _ in range(3):
        past = bench.queue(task=task)
        Run.objects.filter(pk=past.pk).update(status="succeeded", items=100_000)
    run = bench.until_item(bench.queue(task=task))
    bench.drive(lambda: Run.objects.get(pk=run.pk).progress.get("usual_items"))
    assert Run.objects.get(pk=run.pk).progress["usual_items"] == 100_000


# --- faults -----------------------------------------------------------------------------------


def test_a_killed_run_is_killed_and_its_items_stay(bench):
    run = bench.until_item(bench.watched("sleeps"))
    os.killpg(run.pid, signal.SIGKILL)
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.status, run.reason, run.exit_code) == ("failed", "killed", -9)
    assert run.items == len(bench.items(run)) > 0
    assert bench.told(run) == 1


def test_a_killed_run_keeps_the_figures_that_it_had_told(bench):
    run = bench.until_item(bench.queue("sleeps"))
    progress = run_folder(run) / "progress.json"
    bench.drive(progress.exists)
    os.killpg(run.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(run.pid, run.start_ticks))
    told = {**json.loads(progress.read_text()), "pages": 70, "errors": 2, "items": 60}
    progress.write_text(json.dumps(told))
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.pages, run.errors, run.items) == (70, 2, 60)


def test_runs_outlive_their_supervisor_and_are_adopted(bench):
    run = bench.until_item(bench.watched("sleeps", until=str(bench.go)))
    pid = run.pid
    bench.replace_worker()
    bench.go.touch()
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.status, run.pid) == ("succeeded", pid)
    assert bench.told(run) == 1


def test_runs_that_ended_while_nobody_watched_are_settled(bench):
    run = bench.until_item(bench.watched("sleeps", until=str(bench.go)))
    killed = bench.until_item(bench.watched("sleeps"))
    bench.replace_worker()
    bench.go.touch()
    os.killpg(killed.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(run.pid, run.start_ticks))
    bench.until_ended(run, SECONDS_TO_SETTLE)
    bench.until_ended(killed, SECONDS_TO_SETTLE)
    assert (run.status, killed.status, killed.reason) == ("succeeded", "failed", "killed")
    assert (bench.told(run), bench.told(killed)) == (1, 1)


def test_runs_outlive_the_launcher_and_end_with_their_own_outcome(bench):
    bench.use_own_launcher()
    run = bench.until_item(bench.watched("sleeps", until=str(bench.go)))
    os.kill(bench.worker.executor.pid(), signal.SIGKILL)
    bench.go.touch()
    after = bench.queue("echo")
    bench.until_ended(after)
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.status, after.status) == ("succeeded", "succeeded")
    assert bench.told(run) == 1


def test_a_launcher_that_is_still_starting_leaves_with_who_started_it(bench):
    bench.use_own_launcher()
    executor = bench.worker.executor
    assert not executor.is_ready()
    pid = executor.pid()
    executor.close(quit_too=True)
    assert not is_alive(pid, None)


def test_a_launcher_that_another_scheduler_left_leaves_with_who_took_over(bench):
    bench.use_own_launcher()
    bench.until_ended(bench.queue("echo"))
    pid = bench.worker.executor.pid()
    bench.replace_worker()
    bench.worker.executor.close(quit_too=True)
    wait_until(lambda: not is_alive(pid, None))


def test_who_takes_over_knows_the_launcher_though_nothing_is_to_start(bench):
    bench.until_ended(bench.queue("echo"))
    bench.replace_worker()
    bench.drive(lambda: bench.worker.condition.launcher == "fork", 10)


def test_what_cannot_be_known_is_lost(bench):
    bench.use_own_launcher()
    run = bench.until_item(bench.watched("sleeps"))
    os.kill(bench.worker.executor.pid(), signal.SIGKILL)
    os.killpg(run.pid, signal.SIGKILL)
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.status, run.reason) == ("failed", "lost")
    assert bench.told(run) == 1


def test_after_a_restart_of_the_machine_its_runs_are_lost_and_strangers_live(bench):
    run = bench.until_item(bench.watched("sleeps"))
    Run.objects.filter(pk=run.pk).update(boot_id="another boot")
    bench.until_ended(run, SECONDS_TO_SETTLE)
    assert (run.status, run.reason) == ("failed", "lost")
    assert bench.told(run) == 1
    assert is_alive(run.pid, None), "a process of this boot must not be signalled"


@pytest.mark.parametrize("leads", [{"setpgroup": 0}, {"setsid": True}], ids=["group", "session"])
def test_a_stranger_with_the_same_number_is_never_signalled(bench, leads):
    run = bench.until_item(bench.watched("sleeps"))
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, **leads)
    try:
        os.killpg(run.pid, signal.SIGKILL)
        Run.objects.filter(pk=run.pk).update(pid=pid, start_ticks=1)
        bench.replace_worker()  # the one that knows the number which it really had
        (run_folder(run) / "exit.json").unlink(missing_ok=True)
        cancel_run(run_id=run.pk)
        bench.until_ended(run, SECONDS_TO_SETTLE)
        assert bench.told(run) == 1
        assert is_alive(pid, None)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_claim_without_a_start_is_queued_again_and_starts_once(bench, monkeypatch):
    monkeypatch.setattr("tasks.execution.supervising.START_GRACE", 0.2)
    started = bench.worker.executor.start
    bench.worker.executor.start = lambda start: None
    run = bench.queue("echo")
    bench.until_status(run, "starting")
    old = run.claim_token
    bench.worker.executor.start = started
    monkeypatch.setattr("tasks.execution.supervising.START_GRACE", 10)
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    bench.until_ended(run)
    assert run.status == "succeeded"
    assert run.claim_token != old
    assert len(bench.items(run)) == 1


def test_a_child_that_comes_late_finds_its_order_withdrawn(bench):
    run = bench.queue("echo")
    started = bench.worker.executor.start
    late = []
    bench.worker.executor.start = late.append
    bench.until_status(run, "starting")
    assert revoke(run_folder(run), run.claim_token)
    started(late[0])
    bench.drive(lambda: "withdrawn" in bench.log(run))
    assert bench.items(run) == []


def test_a_run_that_never_starts_fails_in_the_end(bench, monkeypatch):
    monkeypatch.setattr("tasks.execution.supervising.START_GRACE", 0.05)
    bench.worker.executor.start = lambda start: None
    run = bench.until_ended(bench.queue("echo"))
    assert (run.status, run.reason) == ("failed", "launcher")


def test_no_process_is_started_twice_under_one_claim(bench):
    run = bench.queue("sleeps", arguments={"effects": str(bench.effects)})
    starts = []
    started = bench.worker.executor.start
    bench.worker.executor.start = lambda start: (
        starts.append(start),
        started(start),
        started(start),
    )
    bench.until_item(run)
    assert claim_path(run_folder(run), run.claim_token).exists()
    bench.drive(lambda: "withdrawn" in bench.log(run))
    assert bench.effects.read_text().count(str(run.pk)) == 1


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_no_run_starts_twice_whatever_dies(bench, seed):
    """Workers, launchers and runs are killed at random; each run starts once at most, and ends."""
    bench.use_own_launcher()
    chance = random.Random(seed)
    task = bench.task("sleeps", overlap_policy="allow", max_instances=4)
    follow_up_of(task)
    arguments = {"effects": str(bench.effects), "seconds": 0.2}
    runs = [bench.queue(task=task, arguments=arguments) for _ in range(12)]

    def all_ended():
        fate = chance.random()
        if fate < 0.03:
            bench.replace_worker()
        elif fate < 0.05 and bench.worker.executor.pid():
            os.kill(bench.worker.executor.pid(), signal.SIGKILL)
        elif fate < 0.08:
            kill_one()
        return not task.runs.active().exists()

    def kill_one():
        victim = Run.objects.filter(status="running").order_by("?").first()
        if victim is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(victim.pid, signal.SIGKILL)

    bench.drive(all_ended, 90)
    starts = Counter(line.split()[0] for line in bench.effects.read_text().splitlines())
    assert max(starts.values()) == 1
    ended = {str(run.pk): run for run in Run.objects.filter(pk__in=[run.pk for run in runs])}
    assert all(starts[key] == 1 for key, run in ended.items() if run.status == "succeeded")
    assert {run.reason for run in ended.values()} <= {"", "killed", "lost"}
    told = Counter(Run.objects.filter(trigger="chain").values_list("upstream", flat=True))
    assert told == dict.fromkeys((run.pk for run in runs), 1)


def test_only_one_worker_per_host_starts_runs(bench):
    run = bench.until_item(bench.waits())
    second = bench.new_worker()
    second._turn()
    assert second._lock is None
    bench.go.touch()
    bench.until_ended(run)


def test_the_boot_is_known():
    assert len(boot_id()) == 36


def test_a_crawl_under_way_gives_way_to_runs_that_start_and_to_pages(bench):
    run = bench.until_item(bench.queue("sleeps", arguments={"seconds": 300}))
    assert os.getpriority(os.PRIO_PROCESS, run.pid) == 10
    group = Path(f"/proc/{run.pid}/autogroup")
    assert not group.exists() or group.read_text().split()[-1] == "10"

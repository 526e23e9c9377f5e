from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import override
from django_apscheduler.models import DjangoJob

from tasks.models import Run, SchedulerLease, SchedulerProcess
from tasks.scheduling import reconcile
from tasks.scheduling.clocks import Lookout, steady
from tasks.scheduling.host import Clock
from tasks.scheduling.jobstore import ScheduleJobStore
from tasks.services.status import notes_of
from tests.scheduling.helpers import HOUR, MINUTE, NOON, make_schedule, rows, run_of

pytestmark = pytest.mark.django_db


def test_a_wakeup_fires_what_is_due_and_sleeps_until_the_next(keeper, watch):
    schedule = make_schedule()
    woken = []
    keeper.on_fired = woken.append
    watch.now = NOON + HOUR - timedelta(milliseconds=300)
    assert keeper.tick() == pytest.approx(0.3)
    watch.now = NOON + HOUR
    assert keeper.tick() == 1.0
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]
    assert [len(fired.runs) for fired in woken] == [1]
    assert DjangoJob.objects.get().next_run_time == NOON + 2 * HOUR


def test_of_two_schedulers_one_fires(make_keeper, watch):
    schedule = make_schedule()
    one, other = make_keeper("one"), make_keeper("other")
    watch.now = NOON + HOUR
    one.tick()
    assert other.tick() == 0.25
    assert len(rows(schedule)) == 1
    assert (one.was_leading, other.was_leading) == (True, False)
    assert SchedulerLease.objects.get().holder == "one"


def test_a_leader_that_lost_its_lease_in_mid_tick_fires_nothing(make_keeper, watch):
    schedule = make_schedule()
    one = make_keeper("one")
    one.tick()
    SchedulerLease.objects.update(holder="other", epoch=2)
    watch.now = NOON + HOUR
    one.tick()
    assert rows(schedule) == []
    one.tick()
    assert not one.was_leading


def test_when_it_takes_over_it_says_since_when_nobody_led(keeper, watch):
    schedule = make_schedule(cron="*/10 * * * *")
    since = NOON + 5 * MINUTE
    SchedulerLease.objects.create(id=1, holder="", expires_at=since, epoch=4)
    watch.now = NOON + 31 * MINUTE
    keeper.tick()
    missed = Run.objects.filter(status="missed")
    assert [run.detail["since"] for run in missed] == ["2026-03-24T12:05:00+00:00"] * 2
    assert rows(schedule)[-1] == (NOON + 30 * MINUTE, "queued", "")


@pytest.mark.parametrize(("away", "starts"), [(None, 1), (61, 1), (59, 0)])
def test_start_up_schedules_run_after_a_minute_without_any_scheduler(keeper, watch, away, starts):
    make_schedule(kind="startup")
    if away is not None:
        ended = watch.now - timedelta(seconds=away)
        SchedulerLease.objects.create(id=1, holder="", expires_at=ended)
    keeper.tick()
    keeper.tick()
    assert Run.objects.filter(trigger="startup").count() == starts


def test_a_job_row_that_was_deleted_is_written_anew_and_fires(keeper, watch, monkeypatch):
    schedule = make_schedule()
    keeper.tick()
    DjangoJob.objects.all().delete()
    watch.now = NOON + HOUR
    monkeypatch.setattr(reconcile, "COUNT_EVERY", -1)
    keeper.tick()
    assert len(rows(schedule)) == 1
    assert DjangoJob.objects.count() == 1


def test_rows_that_are_deleted_again_and_again_stop_nothing(keeper, watch, monkeypatch):
    schedule = make_schedule()
    monkeypatch.setattr(reconcile, "COUNT_EVERY", -1)
    for hours in range(1, 4):
        keeper.reconciler.poll(force=True)
        DjangoJob.objects.all().delete()
        keeper.reconciler.poll(force=True)
        watch.now = NOON + hours * HOUR
        keeper.tick()
    assert len(rows(schedule)) == 3


def test_an_edit_in_mid_tick_is_old_or_new_but_never_both(keeper, watch):
    schedule = make_schedule()
    keeper.tick()
    type(schedule).objects.update(cron="30 * * * *", timing_hash="edited")
    watch.now = NOON + HOUR
    keeper.reconciler.poll = lambda **_: 0  # the edit came after this tick's look
    keeper.tick()
    assert rows(schedule) == []
    del keeper.reconciler.poll
    keeper.tick()
    assert DjangoJob.objects.get().next_run_time.minute == 30


def test_the_heartbeat_is_a_row_and_leaves_with_its_process(keeper):
    keeper.tick()
    row = SchedulerProcess.objects.get()
    assert row.is_leader
    assert timezone.now() - row.seen_at < timedelta(seconds=5)
    assert row.disk_free > 0
    keeper.stop()
    assert not SchedulerProcess.objects.exists()
    assert SchedulerLease.objects.get().holder == ""


def test_rows_of_dead_schedulers_are_removed(keeper):
    gone = {"started_at": NOON, "pid": 2**22 + 1}
    SchedulerProcess.objects.create(
        name="a", host=keeper.presence.host, seen_at=timezone.now(), **gone
    )
    SchedulerProcess.objects.create(name="b", host="elsewhere", seen_at=timezone.now(), **gone)
    SchedulerProcess.objects.create(name="c", host="elsewhere", seen_at=NOON, **gone)
    keeper.tick()
    names = set(SchedulerProcess.objects.values_list("name", flat=True))
    assert names == {keeper.presence.name, "b"}


def test_notes_are_said_in_the_language_of_the_reader_and_for_an_hour(keeper, monkeypatch):
    keeper.presence.note("clock_back", n=30)
    keeper.tick()
    row = SchedulerProcess.objects.get()
    assert [each[5:] for each in notes_of(row)] == [
        ": The clock of the scheduler's computer jumped 30 s back."
    ]
    with override("de"):
        assert "sprang 30 s zurück" in notes_of(row)[0]
    monkeypatch.setattr("tasks.scheduling.presence.SHOWN_FOR", -1)
    keeper.presence.beat(is_leader=True, force=True)
    assert SchedulerProcess.objects.get().notes == []


# --- clocks


def lookout() -> Lookout:
    return Lookout(_wall=1000.0, _steady=50.0, _awake=50.0)


@pytest.mark.parametrize(
    ("wall", "now", "awake", "kind"),
    [
        (1001.0, 51.0, 51.0, None),
        (1002.5, 51.0, 51.0, None),
        (4601.0, 51.0, 51.0, "forward"),
        (971.0, 51.0, 51.0, "back"),
        (4601.0, 3651.0, 51.0, "suspend"),
    ],
)
def test_jumps_and_sleep_are_noticed(wall, now, awake, kind):
    jump = lookout().look(wall=wall, now=now, awake=awake)
    assert (jump.kind if jump else None) == kind


def test_a_look_compares_with_the_look_before():
    out = lookout()
    assert out.look(wall=4601.0, now=51.0, awake=51.0).kind == "forward"
    assert out.look(wall=4602.0, now=52.0, awake=52.0) is None


def test_an_hour_forward_fires_the_newest_slot_and_tells(keeper, watch, caplog):
    schedule = make_schedule(cron="*/20 * * * *")
    keeper.tick()
    watch.now = NOON + HOUR
    keeper.lookout._wall -= 3600
    keeper.tick()
    assert [(status, reason) for _, status, reason in rows(schedule)] == [
        ("missed", "clock_jump"),
        ("missed", "clock_jump"),
        ("queued", ""),
    ]
    assert "3600 s forward" in caplog.text
    assert "jumped 3600 s forward" in notes_of(SchedulerProcess.objects.get())[-1]


def test_half_a_minute_back_doubles_nothing_and_tells(keeper, watch, caplog):
    schedule = make_schedule()
    watch.now = NOON + HOUR
    keeper.tick()
    watch.now -= timedelta(seconds=30)
    keeper.lookout._wall += 30
    keeper.tick()
    watch.now += timedelta(seconds=30)
    keeper.tick()
    assert len(rows(schedule)) == 1
    assert "30 s back" in caplog.text


def test_the_steady_clock_goes_on():
    before = steady()
    assert steady() >= before


# --- the loop


@pytest.mark.parametrize("error", [DatabaseError("gone"), KeyError("a bug"), MemoryError()])
def test_a_wakeup_that_fails_is_survived_and_told(error, caplog, monkeypatch):
    monkeypatch.setattr("tasks.scheduling.host._forget_connection", lambda: None)
    clock = Clock(store=ScheduleJobStore())

    def fail() -> float:
        raise error

    clock.keeper.tick = fail
    waits = [clock._process_jobs() for _ in range(8)]
    assert all(0 < wait <= 5 for wait in waits)
    code = "no_database" if isinstance(error, DatabaseError) else "wakeup_failed"
    assert list(clock.keeper.presence.notes) == [code]
    del clock.keeper.tick
    clock._event.close()


def test_a_database_that_was_away_is_the_reason_of_what_was_missed(watch, monkeypatch):
    monkeypatch.setattr("tasks.scheduling.host._forget_connection", lambda: None)
    schedule = make_schedule(cron="*/10 * * * *")
    clock = Clock(store=ScheduleJobStore())
    clock.keeper.clock = watch
    clock._process_jobs()
    tick, clock.keeper.tick = clock.keeper.tick, _raise
    clock._process_jobs()
    clock.keeper.tick = tick
    watch.now = NOON + 21 * MINUTE
    clock._process_jobs()
    assert rows(schedule)[0] == (NOON + 10 * MINUTE, "missed", "database_down")
    assert Run.objects.filter(status="missed").get().detail["since"] == NOON.isoformat()
    clock._event.close()


def test_a_database_that_was_away_from_the_start_is_the_reason_too(watch, monkeypatch):
    monkeypatch.setattr("tasks.scheduling.host._forget_connection", lambda: None)
    make_schedule(cron="*/10 * * * *")
    clock = Clock(store=ScheduleJobStore())
    clock.keeper.clock, clock.keeper.presence.started_at = watch, NOON
    tick, clock.keeper.tick = clock.keeper.tick, _raise
    clock._process_jobs()
    clock.keeper.tick = tick
    watch.now = NOON + 21 * MINUTE
    clock._process_jobs()
    missed = Run.objects.get(status="missed")
    assert (missed.reason, missed.detail["since"]) == ("database_down", NOON.isoformat())
    clock._event.close()


@pytest.mark.parametrize(("calm", "reason"), [(0, "database_down"), (1, "scheduler_down")])
def test_a_follower_that_takes_over_after_the_database_was_away_says_so(
    make_keeper, watch, calm, reason
):
    """But not when all was well in between, and the leader is what went away."""
    make_schedule(cron="*/10 * * * *")
    leader, other = make_keeper("one"), make_keeper("other")
    leader.tick()
    other.tick()
    other.lose_database()
    for _ in range(calm):
        other.tick()
    watch.now = NOON + 21 * MINUTE
    SchedulerLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    other.tick()
    assert Run.objects.get(status="missed").reason == reason


def _raise() -> float:
    raise DatabaseError("the server closed the connection unexpectedly")


def test_a_full_pool_delays_but_drops_nothing(keeper, watch):
    """However many wait already, a firing adds its row."""
    for n in range(20):
        run_of(make_schedule(f"busy-{n}", cron="0 0 1 1 *"), "queued")
    schedule = make_schedule()
    watch.now = NOON + HOUR
    keeper.tick()
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]
    assert Run.objects.waiting().count() == 21


def test_an_idle_wakeup_costs_next_to_nothing(keeper, watch):
    for n in range(50):
        make_schedule(f"task-{n}")
    keeper.tick()
    keeper.tick()
    started = time.thread_time()
    for _ in range(20):
        keeper.tick()
    assert (time.thread_time() - started) / 20 < 0.01

from __future__ import annotations

import gc
from dataclasses import fields
from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.models import Blackout, Hold, Run, Schedule, Task
from tasks.outcomes import what_happened
from tasks.services.controls import WEEKDAYS
from tasks.services.firing import fire
from tasks.services.insertion import NewRun, insert_runs
from tests.scheduling.helpers import (
    HOUR,
    MINUTE,
    NOON,
    fire_at,
    known_of,
    make_schedule,
    rows,
    run_of,
)

pytestmark = pytest.mark.django_db


def test_a_due_slot_leaves_one_queued_run_with_what_the_task_says():
    schedule = make_schedule(
        task={
            "arguments": {"category": "schuhe", "depth": 2},
            "secrets": {"password": "sealed"},
            "settings": {"DOWNLOAD_DELAY": 1.5},
            "priority": 7,
            "executor": "local",
        }
    )
    fired = fire_at(NOON + HOUR, schedule)
    run = Run.objects.get()
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]
    assert run.pk == fired.runs[0].id
    assert (run.task, run.task_key, run.task_name) == (schedule.task, "prices", "Prices")
    assert (run.spider, run.kind, run.priority, run.executor) == ("shop", "spider", 7, "local")
    assert run.arguments == {"category": "schuhe", "depth": 2}
    assert (run.secrets, run.settings) == ({"password": "sealed"}, {"DOWNLOAD_DELAY": 1.5})
    assert (run.at, run.queued_at) == (NOON + HOUR, NOON + HOUR)
    assert (run.attempt, run.slots, run.trigger) == (1, 1, "schedule")
    assert run.requested_by == "scheduler"
    assert (run.stats, run.progress, run.detail) == ({}, {}, {})


def test_firing_twice_changes_nothing():
    schedule = make_schedule()
    first = fire_at(NOON + HOUR, schedule)
    second = fire_at(NOON + HOUR, schedule)
    assert len(first.runs) == 1
    assert second.runs == []
    assert second.due == {schedule.pk: NOON + 2 * HOUR}


def test_a_slot_that_the_ledger_has_is_left_alone_though_the_watermark_was_lost():
    schedule = make_schedule()
    fire_at(NOON + HOUR, schedule)
    Run.objects.update(status="succeeded")
    Schedule.objects.update(watermark=NOON)
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule) == [(NOON + HOUR, "succeeded", "")]


def test_before_its_slot_nothing_happens_and_the_next_time_is_told():
    schedule = make_schedule()
    fired = fire_at(NOON + HOUR - timedelta(seconds=1), schedule)
    assert fired.runs == []
    assert fired.due == {schedule.pk: NOON + HOUR}


def test_jitter_delays_the_start_but_not_the_slot():
    schedule = make_schedule(jitter=600)
    delay = known_of(schedule)[schedule.pk].delay(schedule.pk)
    assert timedelta() < delay < timedelta(seconds=600)
    assert fire_at(NOON + HOUR, schedule).due == {schedule.pk: NOON + HOUR + delay}
    fired = fire_at(NOON + HOUR + delay, schedule)
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]
    assert fired.due == {schedule.pk: NOON + 2 * HOUR + delay}


def test_a_schedule_that_ended_is_due_no_more():
    schedule = make_schedule(kind="once", run_at=NOON + HOUR)
    assert fire_at(NOON + HOUR, schedule).due == {schedule.pk: None}


# --- catch-up


def outage(catch_up: str, *, hours: float, window: int | None = None, cron: str = "0 * * * *"):
    schedule = make_schedule(cron=cron, task={"catch_up": catch_up, "catch_up_window": window})
    fire_at(NOON + timedelta(hours=hours), schedule)
    return rows(schedule)


MISSED = ("missed", "scheduler_down")


def test_latest_runs_the_newest_missed_slot_once():
    assert outage("latest", hours=3.5) == [
        (NOON + HOUR, *MISSED),
        (NOON + 2 * HOUR, *MISSED),
        (NOON + 3 * HOUR, "queued", ""),
    ]


def test_none_leaves_missed_slots_out():
    assert outage("none", hours=1.5) == [(NOON + HOUR, *MISSED)]


def test_none_still_runs_a_slot_that_is_late_by_less_than_a_minute():
    assert outage("none", hours=1 + 50 / 3600) == [(NOON + HOUR, "queued", "")]


def test_all_runs_each_missed_slot_within_the_window():
    assert outage("all", hours=3.5, window=3 * 3600) == [
        (NOON + HOUR, "queued", ""),
        (NOON + 2 * HOUR, "queued", ""),
        (NOON + 3 * HOUR, "queued", ""),
    ]
    assert Run.objects.filter(cancel_requested_at__isnull=False).count() == 0


def test_what_is_older_than_the_window_is_missed():
    assert outage("latest", hours=1.5, window=61) == [(NOON + HOUR, *MISSED)]


def test_the_settings_window_holds_where_the_task_has_none(settings):
    settings.SCHEDULER_MISFIRE_GRACE_TIME = 60
    assert outage("latest", hours=1.5) == [(NOON + HOUR, *MISSED)]


def test_of_a_long_outage_the_newest_hundred_get_rows_and_the_older_ones_one():
    found = outage("latest", hours=20, cron="* * * * *")
    assert len(found) == 101
    older = Run.objects.get(slots__gt=1)
    assert (older.status, older.slots) == ("missed", 1100)
    assert (older.scheduled_for, older.scheduled_until) == (NOON + MINUTE, NOON + 1100 * MINUTE)
    assert found[-1] == (NOON + 20 * HOUR, "queued", "")
    assert sum(Run.objects.values_list("slots", flat=True)) == 1200


def test_a_missed_run_says_when_the_scheduler_was_off():
    outage("none", hours=1.5)
    run = Run.objects.get()
    told = what_happened(run.reason, run.detail)
    assert told == "The scheduler was not running: it was off from 12:00 to 13:30 (UTC)."


# --- overlap


def test_skip_leaves_a_row_that_names_the_run_in_the_way():
    schedule = make_schedule()
    running = run_of(schedule)
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule) == [(NOON + HOUR, "skipped", "overlap")]
    assert Run.objects.get(status="skipped").detail["run"] == str(running.pk)


def test_a_run_that_waits_is_in_the_way_too_but_not_a_retry_that_waits_for_its_time():
    schedule = make_schedule()
    waiting = run_of(schedule, "queued", not_before=datetime.max.replace(tzinfo=NOON.tzinfo))
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule)[-1][1] == "queued"
    waiting.delete()
    fire_at(NOON + 2 * HOUR, schedule)
    assert rows(schedule)[-1][1:] == ("skipped", "overlap")


def test_queue_lets_one_wait():
    schedule = make_schedule(task={"overlap_policy": "queue"})
    run_of(schedule)
    fire_at(NOON + HOUR, schedule)
    fire_at(NOON + 2 * HOUR, schedule)
    assert [status for _, status, _ in rows(schedule)] == ["queued", "skipped"]


def test_allow_has_a_limit():
    schedule = make_schedule(task={"overlap_policy": "allow", "max_instances": 2})
    run_of(schedule)
    fire_at(NOON + HOUR, schedule)
    fire_at(NOON + 2 * HOUR, schedule)
    assert [status for _, status, _ in rows(schedule)] == ["queued", "skipped"]


def test_cancel_running_asks_the_old_run_to_stop():
    schedule = make_schedule(task={"overlap_policy": "cancel_running"})
    running, waiting = run_of(schedule), run_of(schedule, "queued")
    fire_at(NOON + HOUR, schedule)
    running.refresh_from_db()
    waiting.refresh_from_db()
    assert running.status == "running"
    assert running.cancel_requested_at is not None
    assert waiting.status == "cancelled"
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]


def test_two_schedules_of_one_task_in_the_same_moment_overlap():
    one, other = make_schedule(), make_schedule(key="other")
    fire_at(NOON + HOUR, one, other)
    assert sorted(Run.objects.values_list("status", flat=True)) == ["queued", "skipped"]


def test_a_test_run_is_in_nobodys_way():
    schedule = make_schedule()
    Run.objects.filter(pk=run_of(schedule).pk).update(trigger="test")
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]


# --- holds and blackouts


def test_a_hold_leaves_skipped_rows():
    schedule = make_schedule()
    Hold.objects.create(note="The shop moves house.", author="olof", starts_at=NOON)
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule) == [(NOON + HOUR, "skipped", "hold")]
    assert Run.objects.get().detail["message"] == "The shop moves house."


@pytest.mark.parametrize("field", ["ends_at", "released_at"])
def test_a_hold_that_is_over_holds_nothing(field):
    schedule = make_schedule()
    Hold.objects.create(note="x", author="olof", starts_at=NOON, **{field: NOON + 30 * MINUTE})
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]


def test_a_blackout_of_another_task_leaves_this_one_alone():
    schedule, other = make_schedule(), make_schedule("other")
    Blackout.objects.create(name="Move", task=other.task, starts_at=NOON, ends_at=NOON + 2 * HOUR)
    fire_at(NOON + HOUR, schedule, other)
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]
    assert rows(other) == [(NOON + HOUR, "skipped", "blackout")]


@pytest.mark.parametrize(
    ("start", "end", "days", "status"),
    [
        (time(13), time(14), ["tue"], "skipped"),
        (time(13), time(14), ["wed"], "queued"),
        (time(14), time(15), ["tue"], "queued"),
        (time(22), time(14), ["mon"], "skipped"),  # since yesterday evening
        (time(22), time(13), ["mon"], "queued"),
        (time(12), time(1), ["tue"], "skipped"),  # into tomorrow
    ],
)
def test_a_weekly_blackout_counts_on_its_wall_clock(start, end, days, status):
    schedule = make_schedule()
    Blackout.objects.create(name="Nights", start_time=start, end_time=end, weekdays=days)
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule)[0][1] == status


def test_a_late_start_is_not_made_inside_a_blackout():
    schedule = make_schedule()
    Blackout.objects.create(name="Move", starts_at=NOON + 70 * MINUTE, ends_at=NOON + 3 * HOUR)
    fire_at(NOON + 80 * MINUTE, schedule)
    assert rows(schedule) == [(NOON + HOUR, "skipped", "blackout")]


# --- nobody was there, but nothing should have started anyway


def away_over_a_hold(**task: object) -> list[tuple[datetime | None, str, str]]:
    """Back at 16:30, with a hold from 13:30 to 15:30 in the time away."""
    schedule = make_schedule(task=task)
    Hold.objects.create(
        note="The shop moves house.", author="olof",
        starts_at=NOON + 90 * MINUTE, ends_at=NOON + 210 * MINUTE,
    )  # fmt: skip
    fire_at(NOON + 270 * MINUTE, schedule)
    return rows(schedule)


def test_a_slot_in_a_hold_of_the_past_is_skipped_with_its_reason_though_nobody_was_there():
    assert away_over_a_hold(catch_up="none") == [
        (NOON + HOUR, *MISSED),
        (NOON + 2 * HOUR, "skipped", "hold"),
        (NOON + 3 * HOUR, "skipped", "hold"),
        (NOON + 4 * HOUR, *MISSED),
    ]
    assert Run.objects.filter(reason="hold").first().detail == {
        "message": "The shop moves house.",
        "by": "olof",
    }


def test_what_a_hold_kept_back_is_not_made_up_for():
    found = away_over_a_hold(catch_up="all", catch_up_window=86_400)
    assert [status for _, status, _ in found] == ["queued", "skipped", "skipped", "queued"]


def test_the_newest_slot_that_no_hold_kept_back_is_caught_up():
    schedule = make_schedule(task={"catch_up_window": 86_400})
    Blackout.objects.create(name="Move", starts_at=NOON + 90 * MINUTE, ends_at=NOON + 150 * MINUTE)
    fire_at(NOON + 160 * MINUTE, schedule)
    assert rows(schedule) == [
        (NOON + HOUR, "queued", ""),
        (NOON + 2 * HOUR, "skipped", "blackout"),
    ]


@pytest.mark.parametrize(
    ("blackout", "expected"),
    [
        ({"starts_at": NOON, "ends_at": NOON + 48 * HOUR}, ("skipped", "blackout")),
        ({"starts_at": NOON + HOUR, "ends_at": NOON + 48 * HOUR}, MISSED),
        ({"start_time": time(12), "end_time": time(13), "weekdays": ["tue", "wed"]}, MISSED),
        ({"start_time": time(0), "end_time": time(0), "weekdays": ["tue", "thu"]}, MISSED),
        (
            {"start_time": time(12), "end_time": time(12), "weekdays": ["tue", "wed"]},
            ("skipped", "blackout"),
        ),
        (
            {"start_time": time(0), "end_time": time(0), "weekdays": [*WEEKDAYS]},
            ("skipped", "blackout"),
        ),
    ],
)
def test_the_row_for_many_older_slots_is_skipped_where_one_standstill_covers_them(
    blackout, expected
):
    schedule = make_schedule(cron="* * * * *", task={"catch_up": "none"})
    Blackout.objects.create(name="Nights", **blackout)
    fire_at(NOON + 24 * HOUR + 130 * MINUTE, schedule)
    older = Run.objects.get(slots__gt=1)
    assert (older.status, older.reason) == expected
    assert older.slots == 24 * 60 + 30


# --- edits, switches, clocks


@pytest.mark.parametrize("switch", [Task, Schedule])
def test_what_was_switched_off_meanwhile_leaves_no_row(switch):
    schedule = make_schedule()
    switch.objects.update(enabled=False)
    fired = fire_at(NOON + HOUR, schedule)
    assert (rows(schedule), fired.stale) == ([], [schedule.pk])


def test_what_was_edited_or_deleted_meanwhile_leaves_no_row():
    edited, deleted = make_schedule(), make_schedule("other")
    Schedule.objects.filter(pk=edited.pk).update(timing_hash="edited")
    known, ids = known_of(edited, deleted), [edited.pk, deleted.pk]
    deleted.delete()
    fired = fire(known=known, schedule_ids=ids, now=NOON + HOUR)
    assert sorted(fired.stale) == ids
    assert not Run.objects.exists()


def test_a_clock_that_goes_back_doubles_nothing():
    schedule = make_schedule()
    fire_at(NOON + HOUR, schedule)
    fired = fire_at(NOON + HOUR - timedelta(seconds=30), schedule)
    assert fired.runs == []
    assert fired.due == {schedule.pk: NOON + 2 * HOUR}
    assert len(rows(schedule)) == 1


def test_nothing_is_written_when_the_fence_refuses():
    schedule = make_schedule()

    def refuse() -> None:
        raise RuntimeError("another leader")

    with pytest.raises(RuntimeError, match="another leader"):
        fire_at(NOON + HOUR, schedule, inside=refuse)
    assert rows(schedule) == []
    schedule.refresh_from_db()
    assert schedule.watermark == NOON


def test_rows_that_differ_in_everything_and_rows_alike_are_written_in_the_same_way():
    one, other = make_schedule("one"), make_schedule("other")
    upstream = run_of(one)
    different = NewRun(
        schedule_id=one.pk,
        at=NOON,
        queued_at=NOON + MINUTE,
        status="skipped",
        trigger="chain",
        reason="overlap",
        detail={"run": "ö", "deep": [1]},
        scheduled_until=NOON + HOUR,
        for_slot=NOON - HOUR,
        upstream_id=upstream.pk,
        not_before=NOON + 2 * HOUR,
        requested_by="maja",
        slots=7,
    )
    plain = NewRun(schedule_id=other.pk, at=NOON, queued_at=NOON, scheduled_for=NOON)
    assert insert_runs([different, plain]) == 2
    together = list(Run.objects.exclude(pk=upstream.pk).order_by("task_key").values())
    Run.objects.exclude(pk=upstream.pk).delete()
    assert insert_runs([different]) == insert_runs([plain]) == 1
    assert list(Run.objects.exclude(pk=upstream.pk).order_by("task_key").values()) == together
    for name in (each.name for each in fields(NewRun)):
        assert together[0][name] == getattr(different, name), name
        assert together[1][name] == getattr(plain, name), name
    assert [each["finished_at"] for each in together] == [NOON + MINUTE, None]


def test_memory_is_collected_again_after_a_firing_that_failed():
    seen = []

    def fail() -> None:
        seen.append(gc.isenabled())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fire_at(NOON + HOUR, make_schedule(), inside=fail)
    assert [*seen, gc.isenabled()] == [False, True]


@pytest.mark.parametrize("policy", ["skip", "allow"])
def test_the_number_of_statements_does_not_depend_on_how_many_are_due(policy):
    def statements(count: int, prefix: str) -> int:
        due = [
            make_schedule(f"{prefix}-{n}", task={"overlap_policy": policy}) for n in range(count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            fire_at(NOON + HOUR, *due)
        return len(queries)

    assert statements(3, "few") == statements(60, "many")
    assert Run.objects.count() == 63


def test_a_thousand_slots_of_one_schedule_are_bounded_work():
    schedule = make_schedule(cron="* * * * *")
    with CaptureQueriesContext(connection) as queries:
        fire_at(NOON + 365 * 24 * HOUR, schedule)
    assert len(queries) < 15
    assert Run.objects.count() == 101

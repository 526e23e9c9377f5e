from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import AuditEntry, Hold, Run, Schedule, SpiderInfo, Task
from tasks.services.actors import SCHEDULER
from tasks.services.backfill import LIMIT, backfill, count_backfill
from tasks.services.errors import InvalidInput
from tasks.services.events import queue_follow_ups, queue_startup_runs
from tasks.services.health import get_health
from tasks.services.load import hours_of_the_week
from tasks.services.spreading import plan_spread, spread_schedules
from tasks.services.status import next_run_time
from tasks.services.undo import undo_last_change
from tasks.services.watch import never_running
from tasks.web.plan import next_of_task, upcoming
from tests.scheduling.helpers import HOUR, NOON, fire_at, known_of, make_schedule, rows, run_of

TINY = timedelta(microseconds=1)
pytestmark = pytest.mark.django_db


# --- backfill


def test_a_backfill_is_counted_first_and_then_queued_in_order_both_ends_included():
    make_schedule(cron="0 */2 * * *")
    make_schedule(key="other", kind="after", after_task=make_schedule("up").task)
    span = {"task_id": "prices", "start": NOON, "end": NOON + 10 * HOUR}
    assert count_backfill(**span) == 6
    runs = backfill(**span)
    assert [run.for_slot for run in runs] == [NOON + n * HOUR for n in (0, 2, 4, 6, 8, 10)]
    assert {run.trigger for run in runs} == {"backfill"}
    assert {run.scheduled_for for run in runs} == {None}
    assert {run.requested_by for run in runs} == {"python"}
    assert AuditEntry.objects.filter(action="backfill").count() == 1


@pytest.mark.parametrize(
    ("cron", "start", "end", "field"),
    [
        ("* * * * *", NOON, NOON + (LIMIT / 60 + 1) * HOUR, "end"),
        ("0 0 1 1 *", NOON, NOON + HOUR, "start"),
        ("* * * * *", NOON, NOON, "end"),
        ("* * * * *", NOON, NOON + 100_000 * HOUR, "end"),
        ("* * * * *", NOON.replace(tzinfo=None), NOON, "start"),
    ],
)
def test_a_backfill_that_makes_no_sense_is_refused(cron, start, end, field):
    make_schedule(cron=cron)
    with pytest.raises(InvalidInput) as caught:
        backfill(task_id="prices", start=start, end=end)
    assert list(caught.value.errors) == [field]
    assert not Run.objects.exists()


# --- spreading


def test_spreading_delays_each_schedule_by_its_own_time_and_moves_no_slot():
    schedules = [make_schedule(f"task-{n}") for n in range(40)]
    names = [each.task.task_id for each in schedules]
    assert len(spread_schedules(task_ids=names, seconds=3600, actor=SCHEDULER)) == 40
    assert spread_schedules(task_ids=names, seconds=3600) == []
    spread = list(Schedule.objects.all())
    assert {each.watermark for each in spread} == {NOON}
    known = known_of(*spread)
    assert len({known[each.pk].delay(each.pk) // timedelta(minutes=10) for each in spread}) == 6
    with pytest.raises(InvalidInput):
        spread_schedules(task_ids=names, seconds=10**7)


def test_spreading_is_seen_before_it_is_done_and_is_taken_back():
    schedules = [make_schedule(f"task-{n}") for n in range(3)]
    names = [each.task.task_id for each in schedules]
    planned = plan_spread(task_ids=names, seconds=600)
    assert not Schedule.objects.filter(jitter__gt=0).exists()
    assert planned == spread_schedules(task_ids=names, seconds=600)
    known = known_of(*Schedule.objects.all())
    for each in planned:
        slot = known[each.schedule.pk].timing.next_time(timezone.now())
        assert (each.before, each.after) == (
            slot,
            slot + known[each.schedule.pk].delay(each.schedule.pk),
        )
    undo_last_change(task_id="task-1")
    assert Schedule.objects.get(task__task_id="task-1").jitter == 0
    assert Schedule.objects.filter(jitter=600).count() == 2


def test_a_slot_that_waits_for_its_delay_is_not_forgotten_when_the_delay_goes():
    """12:00 would start some minutes later; then somebody takes the delay away."""
    schedule = make_schedule(jitter=3600, cron="0 * * * *", watermark=NOON)
    delay = known_of(schedule)[schedule.pk].delay(schedule.pk)
    assert fire_at(NOON + HOUR, schedule).runs == []
    spread_schedules(task_ids=["prices"], seconds=0)
    schedule.refresh_from_db()
    assert delay > timedelta()
    assert schedule.watermark == NOON
    fire_at(NOON + HOUR, schedule)
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]


def test_the_next_run_that_is_told_is_when_it_starts():
    schedule = make_schedule(jitter=3600)
    delay = known_of(schedule)[schedule.pk].delay(schedule.pk)
    just_after = NOON + HOUR + delay / 2
    assert next_run_time(schedule, now=just_after) == NOON + HOUR + delay
    assert next_of_task(schedule.task, just_after) == NOON + HOUR + delay
    assert next_run_time(schedule, now=NOON + HOUR + delay) == NOON + 2 * HOUR + delay


def test_a_slot_from_before_the_last_edit_is_not_told_as_the_next_run_though_its_delay_would_come():
    schedule = make_schedule(kind="interval", minutes=30, anchor=NOON, jitter=3600)
    delay = known_of(schedule)[schedule.pk].delay(schedule.pk)
    now = NOON + delay / 2
    expected = NOON + timedelta(minutes=30) + delay
    assert delay
    assert next_run_time(schedule, now=now) == expected
    assert next(upcoming(schedule, now)) == next_of_task(schedule.task, now) == expected
    fired = fire_at(expected, schedule)
    assert [run.scheduled_for for run in fired.runs] == [NOON + timedelta(minutes=30)]


# --- load of the week


def test_the_week_shows_how_many_runs_start_in_each_hour():
    make_schedule("daily", cron="30 3 * * *")
    make_schedule("workdays", cron="0,30 10 * * 1-5")
    make_schedule("minutes", cron="* * * * *")
    make_schedule("off", cron="0 3 * * *", enabled=False)
    make_schedule("once", kind="once", run_at=NOON + 30 * HOUR)
    make_schedule("broken", cron="nonsense", watermark=None)
    week = hours_of_the_week(now=NOON, zone="UTC")
    assert [day[3] for day in week] == [61] * 7
    assert [day[10] for day in week] == [62] * 5 + [60] * 2
    assert week[2][18] == 61
    assert sum(map(sum, week)) == 7 * 24 * 60 + 7 + 10 + 1


def test_the_week_is_on_the_wall_clock_of_the_reader():
    make_schedule(cron="0 12 * * 1")
    assert hours_of_the_week(now=NOON, zone="Asia/Tokyo")[0][21] == 1


def test_jitter_moves_starts_into_their_hour():
    schedule = make_schedule(cron="59 3 * * *", jitter=3600)
    delay = known_of(schedule)[schedule.pk].delay(schedule.pk)
    hour = 3 if delay < timedelta(minutes=1) else 4
    assert [day[hour] for day in hours_of_the_week(now=NOON, zone="UTC")] == [1] * 7


@pytest.mark.parametrize(
    ("day", "cron", "expected"),
    [
        ("2026-10-19", "30 9 * * *", [1] * 7),  # an hour more: the last one is not left out
        ("2026-03-23", "30 10 * * *", [1] * 7),  # an hour less: the first is not counted twice
        ("2026-10-19", "* * * * *", [60] * 7),
        ("2026-03-23", "* * * * *", [60] * 7),
    ],
)
def test_a_week_in_which_the_clocks_change_has_each_of_its_hours_once(day, cron, expected):
    make_schedule(cron=cron, timezone="Europe/Stockholm")
    now = datetime.fromisoformat(f"{day}T10:20:00").replace(tzinfo=ZoneInfo("Europe/Stockholm"))
    week = hours_of_the_week(now=now, zone="Europe/Stockholm")
    hour = 9 if cron.startswith("30 9") else 10
    assert [each[hour] for each in week] == expected


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm", "Asia/Kolkata"])
def test_the_week_is_what_walking_through_it_finds(zone):
    place, now = ZoneInfo(zone), datetime(2026, 3, 25, 9, 40, tzinfo=UTC)  # clocks change on 29th
    first = now.astimezone(place).replace(minute=0).astimezone(UTC)
    end = (first.astimezone(place) + timedelta(days=7)).astimezone(UTC)
    kinds = [
        {"kind": "cron", "cron": "20,50 */5 * * *", "jitter": 3600},
        {"kind": "cron", "cron": "*/7 * * * *"},
        {"kind": "interval", "hours": 7, "anchor": NOON},
        {"kind": "interval", "days": 2, "anchor": NOON, "end_at": now + 72 * HOUR},
    ]
    for number, fields in enumerate(kinds):
        schedule = make_schedule(f"task-{number}", **{"timezone": "Europe/Stockholm", **fields})
        times = takewhile(lambda at: at < end, upcoming(schedule, first - TINY))
        walked = Counter(at.astimezone(place).strftime("%w %H") for at in times)
        week = hours_of_the_week(now=now, zone=zone)
        counted = Counter(
            {f"{(d + 1) % 7} {h:02}": n for d in range(7) for h, n in enumerate(week[d]) if n}
        )
        assert counted == walked
        assert walked
        Schedule.objects.all().delete()


# --- what will never run


def codes() -> dict[str, str]:
    return {each.task.task_id: each.code for each in never_running(now=NOON)}


def test_what_is_on_but_will_never_run_is_found_with_its_reason():
    make_schedule("fine")
    make_schedule("off", task={"enabled": False}, end_at=NOON - HOUR)
    make_schedule("ended", end_at=NOON - HOUR)
    make_schedule("unreadable", cron="nonsense")
    make_schedule("no-next", cron="0 0 1 1 *", end_at=NOON + HOUR)
    make_schedule("once", kind="once", run_at=NOON - HOUR)
    upstream = make_schedule("upstream", task={"enabled": False}).task
    make_schedule("follower", kind="after", after_task=upstream)
    make_schedule("started", kind="startup", end_at=NOON - HOUR)
    assert codes() == {
        "ended": "ended",
        "unreadable": "unreadable",
        "no-next": "no_next",
        "follower": "upstream_off",
        "started": "ended",
    }


def test_a_task_whose_spider_is_missing_is_found_once():
    make_schedule("a", task={"spider": "gone"})
    make_schedule("a", key="second")
    make_schedule("b", task={"spider": "broken"})
    make_schedule("c", task={"kind": "cleanup", "spider": ""})
    make_schedule("d")
    assert codes() == {}  # the catalogue was never read
    SpiderInfo.objects.create(name="shop", seen_at=timezone.now())
    SpiderInfo.objects.create(name="broken", error="SyntaxError", seen_at=timezone.now())
    found = never_running(now=NOON)
    assert [(each.task.task_id, each.code) for each in found] == [
        ("a", "spider_missing"),
        ("b", "spider_missing"),
    ]
    assert "“gone”" in found[0].message


def test_what_will_never_run_is_told_by_health_and_on_the_home_page(client, olof):
    make_schedule("ended", end_at=NOON - HOUR)
    assert get_health()["checks"]["schedules"] == {"ok": True, "never_running": 1}
    client.force_login(olof)
    page = client.get(reverse("admin:index")).content.decode()
    assert "Will not run" in page
    assert "Its end has passed." in page


# --- follow-ups and start-up


def follow(upstream_status: str = "succeeded", **fields) -> Schedule:
    upstream = make_schedule("up")
    follower = make_schedule("down", kind="after", after_task=upstream.task, **fields)
    queue_follow_ups(run_of(upstream, upstream_status))
    return follower


@pytest.mark.parametrize(
    ("after_on", "status", "follows"),
    [
        ("success", "succeeded", True),
        ("success", "suspicious", True),
        ("success", "failed", False),
        ("failure", "failed", True),
        ("failure", "succeeded", False),
        ("failure", "cancelled", False),
        ("either", "failed", True),
        ("either", "cancelled", True),
    ],
)
def test_a_follow_up_is_queued_after_the_ends_it_waits_for(after_on, status, follows):
    follower = follow(status, after_on=after_on)
    assert Run.objects.filter(schedule=follower, status="queued").exists() == follows


def test_a_follow_up_happens_once_per_upstream_run():
    follower = follow(delay=90)
    upstream = Run.objects.get(task__task_id="up")
    queue_follow_ups(upstream)
    run = Run.objects.get(schedule=follower)
    assert run.upstream == upstream
    assert timedelta(seconds=80) < run.not_before - timezone.now() <= timedelta(seconds=90)


def test_a_follow_up_meets_holds_overlap_and_bounds():
    Hold.objects.create(note="x", author="olof", starts_at=NOON)
    held = follow()
    assert Run.objects.get(schedule=held).reason == "hold"
    Hold.objects.all().delete()
    run_of(held)
    queue_follow_ups(run_of(make_schedule("up", key="2"), "succeeded"))
    assert Run.objects.filter(schedule=held, reason="overlap").count() == 1
    Schedule.objects.filter(pk=held.pk).update(end_at=NOON)
    queue_follow_ups(run_of(make_schedule("up", key="3"), "succeeded"))
    assert Run.objects.filter(schedule=held).count() == 2


def test_start_up_schedules_run_when_a_scheduler_starts():
    schedule = make_schedule(kind="startup")
    make_schedule("off", kind="startup", enabled=False)
    make_schedule("later", kind="startup", start_at=timezone.now() + HOUR)
    queue_startup_runs(now=timezone.now())
    assert Run.objects.get().schedule == schedule
    assert Run.objects.get().trigger == "startup"
    Task.objects.all().delete()
    assert queue_startup_runs(now=timezone.now()).runs == []

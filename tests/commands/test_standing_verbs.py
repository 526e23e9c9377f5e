from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Blackout, Schedule
from tasks.services.controls import current_hold
from tests.scheduling.helpers import make_schedule

pytestmark = pytest.mark.django_db


def test_a_hold_is_made_and_released(tasks):
    assert tasks("hold", "The database moves.", "--until", "2090-01-01 09:00").code == 0
    hold = current_hold()
    assert (hold.note, hold.ends_at.year) == ("The database moves.", 2090)
    again = tasks("hold", "Again")
    assert (again.code, again.err.strip()) == (1, "Everything is already on hold.")
    assert tasks("release").code == 0
    assert current_hold() is None
    assert tasks("release").code == 1


def test_blackouts_are_made_listed_and_removed(tasks, shop):
    night = ("--days", "mon,tue", "--start", "22:00", "--end", "06:00")
    made = tasks("add-blackout", "Nights", *night, "--task", "shop", "--json").json
    assert (made["weekdays"], made["task_id"]) == (["mon", "tue"], "shop")
    span = ("--from", "2030-04-02 09:00", "--to", "2030-04-02 12:00")
    assert tasks("add-blackout", "Move", *span, "--timezone", "Europe/Stockholm").code == 0
    listed = tasks("blackouts").out
    assert "mon, tue 22:00 – 06:00" in listed
    assert "2030-04-02" in listed
    for blackout in Blackout.objects.all():
        assert tasks("remove-blackout", str(blackout.pk)).code == 0
    assert "No blackouts" in tasks("blackouts").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add-blackout", "x", "--days", "someday", "--start", "22:00", "--end", "06:00"), "Days"),
        (("add-blackout", "x", "--days", "mon", "--start", "late", "--end", "06:00"), "22:30"),
        (("add-blackout", "x", "--from", "soon", "--to", "later"), "--from"),
        (("add-blackout", "x", "--timezone", "Moon"), "time zone"),
        (("remove-blackout", "7"), "no such blackout"),
        (("spread", "gone"), "gone"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(tasks, words, message):
    answer = tasks(*words)
    assert answer.code == 1
    assert message in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not Blackout.objects.exists()


def test_starts_are_shown_first_and_then_spread(tasks):
    for n in range(3):
        make_schedule(f"task-{n}")
    names = [f"task-{n}" for n in range(3)]
    seen = tasks("spread", *names, "--over", "30", "--dry-run", "--json").json
    assert not Schedule.objects.filter(jitter__gt=0).exists()
    assert tasks("spread", *names, "--over", "30", "--json").json == seen
    assert {each.jitter for each in Schedule.objects.all()} == {1800}
    assert "Moved 3 starts." in tasks("spread", *names, "--over", "0").out


def test_a_task_that_is_off_says_since_when_by_whom_and_why(tasks, shop):
    tasks("disable", "shop", "--note", "The shop is being rebuilt")
    shown = tasks("show", "shop").out
    assert f"off, {timezone.now():%Y-%m-%d}" in shown
    assert "The shop is being rebuilt" in shown


def test_a_backfill_of_days_to_come_is_refused(tasks, shop):
    today = timezone.now().date()
    start = (today - timedelta(days=2)).isoformat()
    later = (today + timedelta(days=2)).isoformat()
    refused = tasks("backfill", "shop", start, later, "--dry-run")
    assert refused.code == 1
    assert "for the past" in refused.err
    assert tasks("backfill", "shop", start, today.isoformat(), "--dry-run").code == 0


def test_the_load_of_the_week_is_a_table(tasks):
    make_schedule(cron="30 3 * * 1")
    week = tasks("load", "--timezone", "UTC", "--json").json["week"]
    assert [sum(day) for day in week] == [1, 0, 0, 0, 0, 0, 0]
    assert "Mon" in tasks("load").out


def test_what_never_runs_is_listed_with_its_reason(tasks):
    assert "will run" in tasks("never-runs").out
    make_schedule(end_at=timezone.now() - timedelta(days=1))
    assert "Its end has passed." in tasks("never-runs").out
    assert tasks("never-runs", "--json").json[0]["code"] == "ended"

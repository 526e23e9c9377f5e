from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.models import Run, Task
from tasks.web.home_data import _last_day
from tasks.web.runs import last_runs, recent
from tasks.web.week import spread

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def task_with_runs(name, statuses, **fields):
    task = Task.objects.create(task_id=name, name=name, spider="shop")
    Run.objects.bulk_create(
        Run(
            task=task,
            task_key=name,
            task_name=name,
            at=NOON - timedelta(minutes=minutes),
            started_at=NOON if status == "succeeded" else None,
            finished_at=NOON + timedelta(seconds=30) if status == "succeeded" else None,
            status=status,
            items=minutes,
            **{"trigger": "schedule", **fields},
        )
        for minutes, status in enumerate(statuses)
    )
    return task


@pytest.mark.parametrize("others", [0, 3])
def test_the_last_runs_of_tasks_are_what_the_ledger_says(others):
    task = task_with_runs("shoes", ["failed", "succeeded", "queued"])
    more = [task_with_runs(f"more-{n}", ["succeeded"]) for n in range(others)]
    found = last_runs([task.pk, *(each.pk for each in more)], limit=2)
    assert len(found) == 1 + others
    stored = list(Run.objects.filter(task=task).order_by("at"))[-2:]
    names = ("at", "pk", "task_id", "status", "reason")
    for run, row in zip(found[task.pk], stored, strict=True):
        assert [getattr(run, name) for name in names] == [getattr(row, name) for name in names]


def test_how_a_task_does_is_read_of_all_at_once():
    shoes = task_with_runs("shoes", ["failed", "succeeded", "succeeded", *["queued"] * 9])
    idle = task_with_runs("idle", [])
    failed = task_with_runs("failed", ["failed"])
    with CaptureQueriesContext(connection) as captured:
        found = recent([shoes.pk, idle.pk, failed.pk])
    assert len(captured) == 1
    newest = last_runs([shoes.pk, failed.pk], limit=10)
    assert (found[shoes.pk].usual.items, found[shoes.pk].usual.seconds) == (1.5, 30)
    assert found[shoes.pk].newest == newest[shoes.pk][-1].at == NOON
    assert (found[idle.pk].newest, found[idle.pk].usual) == (None, None)
    assert (found[failed.pk].newest, found[failed.pk].usual) == (NOON, None)


@pytest.mark.parametrize("minutes", [0, 0.4, 59.5, 60, 61, 150, 167 * 60 + 1, 168 * 60, 10**6])
def test_a_long_run_is_busy_in_the_hours_after_its_start_too(minutes):
    starts = [0] * 168
    starts[5], starts[6], starts[167] = 1, 3, 2
    expected = [0.0] * 168
    for hour, count in enumerate(starts):
        left, at = min(minutes, 60 * 168), hour
        while count and left > 0:
            expected[at % 168] += count * min(left, 60)
            left, at = left - 60, at + 1
    assert spread(starts, minutes) == pytest.approx(expected)


def test_the_last_day_is_counted_in_one_index_alone():
    task_with_runs("a", ["succeeded", "suspicious", "failed", "missed"])
    task_with_runs("b", ["succeeded"], trigger="manual")
    task_with_runs("c", ["succeeded"] * 2000)
    with CaptureQueriesContext(connection) as captured:
        assert _last_day(NOON) == (2 + 1440, 4 + 1440)
    assert len(captured) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + captured[0]["sql"])
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        assert "COVERING INDEX run_kind_history" in plan

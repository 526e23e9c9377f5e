"""What is usual for a run: the good ones before it that were given the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.models import Run, Task
from tasks.services.baseline import Baseline, baseline_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def task():
    return Task.objects.create(task_id="shoes", name="Shoes", spider="shop")


def run(task, minutes, items=0, status="succeeded", **fields):
    """So many minutes before noon; it takes as many seconds as it has items."""
    at = NOON - timedelta(minutes=minutes)
    values = {"trigger": "schedule", "finished_at": at + timedelta(seconds=items), **fields}
    return Run.objects.create(
        task=task, task_key="shoes", task_name="Shoes", at=at, started_at=at, items=items,
        status=status, **values,
    )  # fmt: skip


def test_it_is_the_middle_of_the_good_runs_before(task):
    for minutes, items in enumerate([10, 30, 20, 5000], start=1):
        run(task, minutes, items)
    run(task, 5, 1, status="suspicious")
    run(task, -5, 1)  # came later
    assert baseline_of(run(task, 0, 7)) == Baseline(25.0, 25.0)


def test_two_good_runs_are_too_few(task):
    run(task, 2, 10)
    run(task, 1, 10)
    assert baseline_of(run(task, 0)) is None


def test_test_runs_count_for_nothing_and_backfills_as_others(task):
    for minutes in range(1, 9):
        run(task, minutes, 2, trigger="test")
    for minutes in range(9, 12):
        run(task, minutes, 100, trigger="backfill")
    assert baseline_of(run(task, 0)) == Baseline(100.0, 100.0)
    assert baseline_of(run(task, 0, trigger="test")) is None


@pytest.mark.parametrize("changed", ["arguments", "settings"])
def test_what_was_given_something_else_is_no_measure(task, changed):
    for minutes in range(1, 4):
        run(task, minutes, 500)
    for minutes in range(4, 7):
        run(task, minutes, 3, **{changed: {"pages": 1}})
    assert baseline_of(run(task, 0, **{changed: {"pages": 1}})).items == 3
    assert baseline_of(run(task, 0)).items == 500
    assert baseline_of(run(task, 0, **{changed: {"pages": 2}})) is None


def test_a_run_of_a_deleted_task_has_none(task):
    assert baseline_of(run(None, 0)) is None

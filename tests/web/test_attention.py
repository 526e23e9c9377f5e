from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.models import Run, Task
from tasks.web.attention import attention_count, newest_status, troubled_tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger():
    """By task, its runs from old to new."""
    dice, now = random.Random(3), timezone.now()
    found = {}
    for number in range(40):
        task = Task.objects.create(
            task_id=f"t{number}", name=f"T{number}", spider="shop", enabled=number % 5 != 0
        )
        found[task] = [
            Run(
                task=task,
                task_key=task.task_id,
                task_name=task.name,
                at=now - timedelta(minutes=20 - minute),
                status=dice.choice(Run.Status.values),
                trigger=dice.choice(["manual", "test"]),
            )
            for minute in range(dice.randrange(8))
        ]
    Run.objects.bulk_create(run for runs in found.values() for run in runs)
    return found


def newest_of(runs):
    """What a look at every row finds."""
    silent = {"queued", "starting", "running", "skipped", "cancelled"}
    telling = [run for run in runs if run.status not in silent and run.trigger != "test"]
    return telling[-1] if telling else None


def test_attention_is_what_a_look_at_every_row_finds(ledger):
    newest = {task: newest_of(runs) for task, runs in ledger.items()}
    wrong = {
        task.pk: run.pk
        for task, run in newest.items()
        if task.enabled and run and run.status in {"failed", "suspicious", "missed"}
    }
    assert wrong
    assert dict(troubled_tasks().values_list("pk", "newest_run")) == wrong
    assert attention_count() == len(wrong)


def test_the_newest_status_is_right_inside_another_query_too(ledger):
    failed = newest_status(Task.objects.all()).filter(newest_status="failed").values("pk")
    found = set(Task.objects.filter(pk__in=failed))
    newest = {task: newest_of(runs) for task, runs in ledger.items()}
    assert found == {task for task, run in newest.items() if run and run.status == "failed"}


def test_attention_reads_one_entry_of_an_index_for_each_task(ledger):
    with CaptureQueriesContext(connection) as captured:
        attention_count()
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # so few rows are quicker read whole
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(explain + captured[0]["sql"])
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "run_telling" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan

"""Fills a scratch database with a long and uneven history of runs."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any

from django.db import connection, models, transaction

from tasks.models import Run, Task

NEWEST = datetime(2026, 9, 1, 12, tzinfo=UTC)
TASKS = 300
# Of all runs, the share of one task that starts every few seconds.
BUSIEST = 0.4
GONE = 0.02
STATUSES = {
    "succeeded": 900, "failed": 40, "suspicious": 30, "cancelled": 10, "skipped": 10, "missed": 10,
}  # fmt: skip
TRIGGERS = {"schedule": 930, "manual": 30, "api": 30, "retry": 5, "chain": 3, "test": 2}
REASONS = {"spider_error": 90, "blocked": 9, "timeout": 1}
BATCH = 20_000


class Dice:
    """Draws from uneven shares quickly, the same ones every time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one_of(self, shares: dict[str, int]) -> str:
        weights = list(accumulate(shares.values()))
        return self.random.choices(list(shares), cum_weights=weights)[0]


def make_tasks() -> list[Task]:
    kinds = ("Prices", "Stock", "News", "Jobs", "Reviews")
    return Task.objects.bulk_create(
        Task(task_id=f"task-{n}", name=f"{kinds[n % 5]} of shop {n}", spider=f"shop_{n % 40}")
        for n in range(TASKS)
    )


def rows(count: int, tasks: list[Task]) -> Iterator[dict[str, Any]]:
    dice = Dice(1)
    for number in range(count):
        draw = dice.random.random()
        task = tasks[0] if draw < BUSIEST else tasks[int(draw * 1000) % TASKS]
        status, trigger = dice.one_of(STATUSES), dice.one_of(TRIGGERS)
        reason = dice.one_of(REASONS) if status == "failed" else ""
        at = NEWEST - timedelta(seconds=count - number)
        asked = trigger in {"manual", "api", "test"}
        yield {
            "id": uuid.UUID(int=dice.random.getrandbits(128)),
            "task_id": None if dice.random.random() < GONE else task.pk,
            "task_key": task.task_id,
            "task_name": task.name,
            "spider": task.spider,
            "at": at,
            "queued_at": at,
            "started_at": at,
            "finished_at": at + timedelta(seconds=30),
            "status": status,
            "reason": reason,
            "trigger": trigger,
            "requested_by": f"person{dice.random.randrange(20)}" if asked else "scheduler",
            "items": dice.random.randrange(500),
            "pages": dice.random.randrange(100),
        }


def fill(count: int) -> list[Task]:
    """In the order of time. The indexes come after the rows: many times as quick."""
    tasks = make_tasks()
    columns = list(Run._meta.concrete_fields)
    blank = Run(task_key="", task_name="", trigger="schedule")
    rest = {f.column: f.get_db_prep_save(f.pre_save(blank, add=True), connection) for f in columns}
    made = rows(count, tasks)
    with without_indexes(), transaction.atomic():
        while batch := list(islice(made, BATCH)):
            write([[adapt(f, row, rest) for f in columns] for row in batch], columns)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE tasks_run")
    return tasks


@contextmanager
def without_indexes() -> Iterator[None]:
    with connection.schema_editor() as editor:
        for index in Run._meta.indexes:
            editor.remove_index(Run, index)
    yield
    with connection.schema_editor() as editor:
        for index in Run._meta.indexes:
            editor.add_index(Run, index)


def adapt(field: models.Field[Any, Any], row: dict[str, Any], rest: dict[str, Any]) -> Any:
    if field.column not in row:
        return rest[field.column]
    value = row[field.column]
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def write(values: list[list[Any]], columns: list[models.Field[Any, Any]]) -> None:
    names = ", ".join(f'"{field.column}"' for field in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY tasks_run ({names}) FROM STDIN") as copy:
                for each in values:
                    copy.write_row(each)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO tasks_run ({names}) VALUES ({marks})", values)

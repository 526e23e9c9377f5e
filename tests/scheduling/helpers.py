"""Tasks with one schedule, and firings at a moment of the test's choice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from tasks.models import Run, Schedule, Task
from tasks.scheduling import registry
from tasks.services.firing import Fired, Known, fire
from tasks.services.planning import Absence
from tasks.services.schedules import timing_of
from tasks.slots import fingerprint

NOON = datetime(2026, 3, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def make_schedule(
    task_id: str = "prices",
    *,
    task: dict[str, Any] | None = None,
    watermark: datetime | None = NOON,
    **fields: Any,
) -> Schedule:
    """Every hour, unless fields say otherwise; settled up to noon."""
    owner, _ = Task.objects.get_or_create(
        task_id=task_id, defaults={"name": task_id.title(), "spider": "shop", **(task or {})}
    )
    fields = {"kind": "cron", "cron": "0 * * * *"} | fields if "kind" not in fields else fields
    schedule = Schedule(task=owner, key=fields.pop("key", "main"), watermark=watermark, **fields)
    on = schedule.enabled and owner.enabled
    schedule.timing_hash = fingerprint(timing_of(schedule), enabled=on)
    schedule.save()
    return schedule


def known_of(*schedules: Schedule) -> dict[int, Known]:
    return {each.pk: Known(timing=timing_of(each), hash=each.timing_hash) for each in schedules}


def fire_at(moment: datetime, *schedules: Schedule, **options: Any) -> Fired:
    absence = options.pop("absence", Absence(since=NOON, until=moment))
    return fire(
        known=known_of(*schedules),
        schedule_ids=[each.pk for each in schedules],
        now=moment,
        absence=absence,
        **options,
    )


def rows(schedule: Schedule) -> list[tuple[datetime | None, str, str]]:
    found = Run.objects.filter(schedule=schedule, trigger="schedule").order_by("scheduled_for")
    return list(found.values_list("scheduled_for", "status", "reason"))


def run_of(schedule: Schedule, status: str = "running", **fields: Any) -> Run:
    task = schedule.task
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, trigger="manual", status=status,
        **fields,
    )  # fmt: skip


def raw(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def forget_everything() -> None:
    registry.known.clear()

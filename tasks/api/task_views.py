"""Tasks as the API shows them, with few queries however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from tasks.api.task_schemas import ScheduleOut, TaskOut
from tasks.models import Run, Schedule, Task
from tasks.secrets import MASK
from tasks.services.errors import NotFound
from tasks.services.status import describe_schedule, next_run_time
from tasks.services.tasks import get_task
from tasks.services.writing import PLAIN

SCHEDULE_FIELDS = (
    "key", "kind", "cron", "weeks", "days", "hours", "minutes", "seconds", "run_at", "start_at",
    "end_at", "after_on", "delay", "timezone", "jitter", "enabled",
)  # fmt: skip
OWN_FIELDS = ("task_id", "enabled", "disabled_note", "disabled_by", "disabled_at", "version")
HIDDEN = {"owner", "fingerprint"}


def with_all() -> QuerySet[Task]:
    newest = (
        Run.objects.filter(task=OuterRef("pk"))
        .exclude(trigger=Run.Trigger.TEST)
        .order_by("-at", "-id")
        .values("pk")[:1]
    )
    return (
        Task.objects.select_related("owner")
        .prefetch_related("tags", "schedules__after_task", "schedules__task")
        .annotate(newest_run=Subquery(newest))
    )


def show_one(task_id: str) -> TaskOut:
    task = with_all().filter(task_id=task_id).first()
    if task is None:
        get_task(task_id)  # says what is missing
        raise NotFound({"task_id": [task_id]})
    return show([task])[0]


def show(tasks: Iterable[Task]) -> list[TaskOut]:
    rows = list(tasks)
    newest = Run.objects.filter(pk__in=[key for key in map(_newest, rows) if key])
    runs: dict[UUID | None, Run] = {run.pk: run for run in newest.only("pk", "at", "status")}
    now = timezone.now()
    return [_task(task, runs.get(_newest(task)), now) for task in rows]


def _newest(task: Task) -> UUID | None:
    """Annotated by with_all()."""
    return getattr(task, "newest_run", None)


def _task(task: Task, last: Run | None, now: datetime) -> TaskOut:
    schedules = [_schedule(each, now) for each in task.schedules.all()]
    times = [each.next_run_time for each in schedules if each.next_run_time]
    values: dict[str, Any] = {name: getattr(task, name) for name in PLAIN if name not in HIDDEN}
    values.update({name: getattr(task, name) for name in OWN_FIELDS})
    return TaskOut.model_construct(
        **values,
        owner=task.owner.get_username() if task.owner else None,
        arguments={**task.arguments, **dict.fromkeys(task.secrets, MASK)},
        settings=task.settings,
        tags=sorted(tag.name for tag in task.tags.all()),
        schedules=schedules,
        schedule_type=schedules[0].kind if schedules else None,
        schedule="; ".join(each.description for each in schedules),
        next_run_time=min(times, default=None),
        last_run=last.at if last else None,
        last_run_id=str(last.pk) if last else None,
        last_status=last.status if last else None,
        created_at=task.created_at,
        updated_at=task.updated_at,
    )


def _schedule(schedule: Schedule, now: datetime) -> ScheduleOut:
    values = {name: getattr(schedule, name) for name in SCHEDULE_FIELDS}
    return ScheduleOut.model_construct(
        **values,
        after_task=schedule.after_task.task_id if schedule.after_task else None,
        description=describe_schedule(schedule),
        next_run_time=next_run_time(schedule, now=now),
    )

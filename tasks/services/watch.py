"""Schedules and tasks that are on and yet will never run, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Schedule, SpiderInfo, Task
from tasks.services.schedules import TIMING, timing_of


@dataclass(frozen=True, kw_only=True)
class NeverRuns:
    task: Task
    schedule: Schedule | None
    code: str
    message: str


def never_running_info() -> list[dict[str, str | None]]:
    return [
        {
            "task_id": each.task.task_id,
            "schedule": each.schedule.key if each.schedule else None,
            "code": each.code,
            "message": str(each.message),
        }
        for each in never_running()
    ]


def never_running(
    *, now: datetime | None = None, schedules: Iterable[Schedule] | None = None
) -> list[NeverRuns]:
    """For the list of what needs attention, and for health. `schedules` are all that are on, in
    the order of their tasks' names, where they are read already."""
    now = now or timezone.now()
    missing = _tasks_without_spider()
    found = [_without_spider(task) for task in missing]
    gone = {task.pk for task in missing}
    for schedule in schedules_that_are_on() if schedules is None else schedules:
        finding = None if schedule.task_id in gone else _look_at(schedule, now)
        if finding is not None:
            found.append(finding)
    return found


def schedules_that_are_on() -> QuerySet[Schedule]:
    """With what is said of them, and no more: there may be thousands."""
    timing = (*TIMING, "key", "enabled", "watermark")
    names = ("task__name", "task__task_id", "task__enabled")
    upstream = ("after_task__name", "after_task__enabled")
    found = Schedule.objects.on().select_related("task", "after_task")
    return found.only(*timing, *names, *upstream).order_by("task__name", "key")


def _look_at(schedule: Schedule, now: datetime) -> NeverRuns | None:
    if schedule.kind == Schedule.Kind.AFTER:
        return _upstream(schedule)
    if schedule.kind == Schedule.Kind.STARTUP:
        ended = schedule.end_at is not None and schedule.end_at < now
        return _finding(schedule, "ended", _("Its end has passed.")) if ended else None
    try:
        coming = timing_of(schedule).coming(now)
    except ValueError as error:
        return _finding(schedule, "unreadable", _("Its schedule can't be read: %s") % error)
    return None if coming is not None else _without_next(schedule, now)


def _without_next(schedule: Schedule, now: datetime) -> NeverRuns | None:
    if schedule.kind == Schedule.Kind.ONCE:
        # Once is meant to be over; only a row that nothing has settled yet is worth a look.
        return None
    if schedule.end_at is not None and schedule.end_at < now:
        return _finding(schedule, "ended", _("Its end has passed."))
    return _finding(schedule, "no_next", _("It has no next time."))


def _upstream(schedule: Schedule) -> NeverRuns | None:
    upstream = schedule.after_task
    if upstream is None:
        return _finding(schedule, "upstream_missing", _("The task that it follows is gone."))
    if not upstream.enabled:
        message = _("It follows “%s”, which is off.") % upstream.name
        return _finding(schedule, "upstream_off", message)
    return None


def _finding(schedule: Schedule, code: str, message: str) -> NeverRuns:
    return NeverRuns(task=schedule.task, schedule=schedule, code=code, message=message)


def _tasks_without_spider() -> QuerySet[Task] | list[Task]:
    """Only where the catalogue was read: an empty one says nothing."""
    if not SpiderInfo.objects.exists():
        return []
    usable = SpiderInfo.objects.filter(error="").values("name")
    tasks = Task.objects.on().filter(kind=Task.Kind.SPIDER, schedules__enabled=True)
    return tasks.exclude(spider__in=usable).distinct().order_by("name")


def _without_spider(task: Task) -> NeverRuns:
    message = _("Its spider “%s” is missing or does not load.") % task.spider
    return NeverRuns(task=task, schedule=None, code="spider_missing", message=message)

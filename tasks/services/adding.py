"""The short ways to add a task with one schedule, and to change that schedule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tasks.models import Task
from tasks.services.actors import PYTHON, Actor
from tasks.services.creating import create_task
from tasks.services.errors import InvalidInput
from tasks.services.schedules import state_of
from tasks.services.tasks import get_task, update_task


def add_spider_task(
    *,
    task_id: str,
    spider: str,
    cron_expression: str,
    timezone: str | None = None,
    actor: Actor = PYTHON,
    **fields: Any,
) -> Task:
    """A task that runs by a cron pattern; `fields` are those of the task (name, arguments, …)."""
    when = {"kind": "cron", "cron": cron_expression, "timezone": timezone}
    return create_task(task_id=task_id, actor=actor, schedules=[when], spider=spider, **fields)


def add_interval_spider_task(
    *,
    task_id: str,
    spider: str,
    weeks: int = 0,
    days: int = 0,
    hours: int = 0,
    minutes: int = 0,
    seconds: int = 0,
    timezone: str | None = None,
    actor: Actor = PYTHON,
    **fields: Any,
) -> Task:
    """A task that runs again and again; the units add up."""
    units = {"weeks": weeks, "days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
    when = {"kind": "interval", "timezone": timezone, **units}
    return create_task(task_id=task_id, actor=actor, schedules=[when], spider=spider, **fields)


def add_one_time_task(
    *,
    task_id: str,
    spider: str,
    run_at: datetime | str,
    timezone: str | None = None,
    actor: Actor = PYTHON,
    **fields: Any,
) -> Task:
    """A task that runs once; a moment without offset is on the wall clock of `timezone`."""
    when = {"kind": "once", "run_at": run_at, "timezone": timezone}
    return create_task(task_id=task_id, actor=actor, schedules=[when], spider=spider, **fields)


def update_task_schedule(
    *, task_id: str, key: str | None = None, actor: Actor = PYTHON, **timing: Any
) -> Task:
    """Gives one schedule a new timing: `cron=…`, `run_at=…`, or units such as `hours=2`.

    Without `key` the task must have exactly one schedule, or none yet.
    """
    task = get_task(task_id)
    stored = {each.key: each for each in task.schedules.select_related("after_task")}
    if key is None:
        if len(stored) > 1:
            raise InvalidInput(
                {"key": [_("The task has several schedules. Name one: %s.") % ", ".join(stored)]}
            )
        key = next(iter(stored), _kind(timing))
    kept = [state_of(each) for each in stored.values() if each.key != key]
    zone = stored[key].timezone if key in stored else None
    changed = {"timezone": zone, **timing, "key": key, "kind": _kind(timing)}
    return update_task(task_id=task_id, actor=actor, schedules=[*kept, changed])


def _kind(timing: dict[str, Any]) -> str:
    if "kind" in timing:
        return str(timing["kind"])
    if "cron" in timing:
        return "cron"
    return "once" if "run_at" in timing else "interval"

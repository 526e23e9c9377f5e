"""The short ways to add a task with one schedule, and to change that schedule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tasks.exchange.fields import FieldError, expression_of
from tasks.models import Task
from tasks.services.actors import PYTHON, Actor
from tasks.services.creating import create_task
from tasks.services.errors import InvalidInput, asked_as
from tasks.services.schedules import state_of
from tasks.services.tasks import get_task, update_task

CRON_FIELDS = ("minute", "hour", "day", "month", "day_of_week")
# The caller's own names for what is the one schedule's.
ASKED = {"schedules.0.cron": "cron_expression", "schedules.0.": ""}


def add_spider_task(
    *,
    task_id: str,
    spider: str,
    cron_expression: str | None = None,
    timezone: str | None = None,
    actor: Actor = PYTHON,
    **fields: Any,
) -> Task:
    """A task that runs by a cron pattern; `fields` are those of the task (name, arguments, …).

    Instead of the pattern its fields, as in task files: `hour=2, minute=30, day_of_week="mon-fri"`.
    """
    parts = {name: fields.pop(name) for name in CRON_FIELDS if name in fields}
    when = {"kind": "cron", "cron": _cron(cron_expression, parts), "timezone": timezone}
    return _add(task_id, spider, when, actor, fields)


def _cron(expression: str | None, parts: dict[str, Any]) -> str:
    if (expression is None) == (not parts):
        message = _("Give either cron_expression or its fields (%s).") % ", ".join(CRON_FIELDS)
        raise InvalidInput({"cron_expression": [message]})
    try:
        return expression if expression is not None else expression_of(parts)
    except FieldError as error:
        raise InvalidInput({error.field: [str(error)]}) from None


def _add(
    task_id: str, spider: str, when: dict[str, Any], actor: Actor, fields: dict[str, Any]
) -> Task:
    with asked_as(ASKED):
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
    return _add(task_id, spider, when, actor, fields)


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
    return _add(task_id, spider, when, actor, fields)


def update_task_schedule(
    *, task_id: str, key: str | None = None, actor: Actor = PYTHON, **timing: Any
) -> Task:
    """Gives one schedule a new timing: `cron_expression=…` (or its fields, such as `hour=2`),
    `run_at=…`, or units such as `hours=2`.

    Without `key` the task must have exactly one schedule, or none yet.
    """
    timing = _with_pattern(timing)
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
    place = f"schedules.{len(kept)}."
    with asked_as({f"{place}cron": "cron_expression", place: ""}):
        return update_task(task_id=task_id, actor=actor, schedules=[*kept, changed])


def _with_pattern(timing: dict[str, Any]) -> dict[str, Any]:
    parts = {name: timing[name] for name in CRON_FIELDS if name in timing}
    given = timing.get("cron_expression", timing.get("cron"))
    if given is None and not parts:
        return timing
    known = (*CRON_FIELDS, "cron_expression", "cron")
    rest = {name: value for name, value in timing.items() if name not in known}
    return {**rest, "cron": _cron(given, parts)}


def _kind(timing: dict[str, Any]) -> str:
    if "kind" in timing:
        return str(timing["kind"])
    if "cron" in timing:
        return "cron"
    return "once" if "run_at" in timing else "interval"

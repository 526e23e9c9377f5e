"""Spreads tasks that start at the same time of day over an hour or more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Schedule, Task
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.schedules import state_of
from tasks.services.tasks import update_task
from tasks.web.actions import actor_of, say_refusal
from tasks.web.forms import patterns

DAY = 24 * 60
STEPS = (1, 2, 5, 10, 15, 30, 60)


@dataclass(frozen=True, slots=True)
class Shift:
    task: Task
    schedule: Schedule
    before: str
    after: str
    cron: str


def shifts(tasks: Sequence[Task], step: int) -> list[Shift]:
    """One new time for each daily or weekly pattern, in the order of the times they have."""
    found = sorted(_movable(tasks), key=lambda each: (each[2].at, each[0].name))
    if not found:
        return []
    first = _minute_of(found[0][2].at)
    return [
        _shift(task, schedule, pattern, first + place * step)
        for place, (task, schedule, pattern) in enumerate(found)
        if first + place * step < DAY
    ]


def _movable(tasks: Sequence[Task]) -> Iterator[tuple[Task, Schedule, patterns.Pattern]]:
    for task in tasks:
        for schedule in task.schedules.filter(kind=Schedule.Kind.CRON).order_by("key"):
            if (pattern := patterns.read(schedule.cron)) is not None:
                yield task, schedule, pattern


def _minute_of(at: time) -> int:
    return at.hour * 60 + at.minute


def _shift(task: Task, schedule: Schedule, pattern: patterns.Pattern, minute: int) -> Shift:
    at = time(minute // 60, minute % 60)
    _old_minute, _old_hour, days = schedule.cron.split(maxsplit=2)
    return Shift(
        task, schedule, f"{pattern.at:%H:%M}", f"{at:%H:%M}", f"{at.minute} {at.hour} {days}"
    )


def page(request: HttpRequest, context: dict[str, Any], tasks: Sequence[Task]) -> HttpResponse:
    wanted = request.POST.get("step", "5")
    step = int(wanted) if wanted.isdecimal() and int(wanted) in STEPS else 5
    planned = shifts(tasks, step)
    if "_confirmed" in request.POST and planned:
        _apply(request, planned)
        return redirect("admin:tasks_task_changelist")
    return TemplateResponse(
        request,
        "tasks/stagger.html",
        {
            **context,
            "title": _("Spread these tasks out"),
            "tasks": tasks,
            "shifts": planned,
            "step": step,
            "steps": STEPS,
        },
    )


def _apply(request: HttpRequest, planned: list[Shift]) -> None:
    new = {each.schedule.pk: each.cron for each in planned}
    done = 0
    for task in {each.task.pk: each.task for each in planned}.values():
        schedules = [
            {**state_of(each), "cron": new.get(each.pk, each.cron)} for each in task.schedules.all()
        ]
        try:
            update_task(task_id=task.task_id, actor=actor_of(request), schedules=schedules)
        except Forbidden as error:
            raise PermissionDenied(str(error)) from None
        except InvalidInput as error:
            say_refusal(request, error)
        else:
            done += 1
    text = ngettext("%(n)s task starts at a new time.", "%(n)s tasks start at new times.", done)
    messages.success(request, text % {"n": done})

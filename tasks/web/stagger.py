"""Spreads tasks that start together: at new times of day, or each by a delay of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from tasks.models import Schedule, Task
from tasks.outcomes.durations import duration
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.schedules import state_of
from tasks.services.spreading import HOUR, Spread, plan_spread, spread_schedules
from tasks.services.tasks import update_task
from tasks.web import when
from tasks.web.actions import actor_of, back, say_refusal
from tasks.web.forms import patterns
from tasks.web.zones import zone_of

DAY = 24 * 60
STEPS = (1, 2, 5, 10, 15, 30, 60)
USUAL_STEP = 5
SPANS = (600, 1800, HOUR, 3 * HOUR, 6 * HOUR)


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
    choice = _choice(request.POST.get("step", ""), tasks)
    planned = shifts(tasks, choice) if choice > 0 else []
    spread = plan_spread(task_ids=_ids(tasks), seconds=-choice) if choice < 0 else []
    if "_confirmed" in request.POST and (planned or spread):
        if planned:
            _apply(request, planned)
        else:
            _spread(request, tasks, -choice)
        return back(request, reverse("admin:tasks_task_changelist"))
    return TemplateResponse(
        request,
        "tasks/stagger.html",
        {
            **context,
            "title": _("Spread these tasks out"),
            "tasks": tasks,
            "rows": [(each.task.name, each.before, each.after) for each in planned]
            or _rows(request, spread),
            "choices": _choices(choice),
        },
    )


def _choice(wanted: str, tasks: Sequence[Task]) -> int:
    """Minutes between two starts; or, below zero, the seconds over which they are spread."""
    known = {str(number) for number in (*STEPS, *(-span for span in SPANS))}
    if wanted in known:
        return int(wanted)
    # New times of day only where they are new for all of them.
    movable = {each.task.pk for each in shifts(tasks, USUAL_STEP)}
    return USUAL_STEP if len(movable) == len(tasks) else -HOUR


def _choices(chosen: int) -> list[tuple[str, list[tuple[int, str, bool]]]]:
    apart = ngettext_lazy("%(n)d minute apart", "%(n)d minutes apart", "n")
    steps = [(step, str(apart % {"n": step}), step == chosen) for step in STEPS]
    spans = [(-span, duration(span), -span == chosen) for span in SPANS]
    return [
        (_("One after the other, at new times of day"), steps),
        (_("Each a little later than planned, within"), spans),
    ]


def _ids(tasks: Sequence[Task]) -> list[str]:
    return [task.task_id for task in tasks]


def _rows(request: HttpRequest, spread: Sequence[Spread]) -> list[tuple[str, str, str]]:
    clock = when.Clock(timezone.now(), zone_of(request.user))
    return [
        (each.task.name, clock.absolute(each.before), clock.absolute(each.after)) for each in spread
    ]


def _spread(request: HttpRequest, tasks: Sequence[Task], seconds: int) -> None:
    try:
        found = spread_schedules(task_ids=_ids(tasks), seconds=seconds, actor=actor_of(request))
    except Forbidden as error:
        raise PermissionDenied(str(error)) from None
    except InvalidInput as error:
        say_refusal(request, error)
    else:
        _say_done(request, len({each.task.pk for each in found}))


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
    _say_done(request, done)


def _say_done(request: HttpRequest, tasks: int) -> None:
    text = ngettext("%(n)s task starts at a new time.", "%(n)s tasks start at new times.", tasks)
    undo = _("“Changes” on a task's page takes it back.")
    messages.success(request, f"{text % {'n': tasks}} {undo}")

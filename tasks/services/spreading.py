"""Spreads schedules that start together over a span, so that they don't start at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Schedule, Task
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import InvalidInput
from tasks.services.schedules import state_of, timing_of
from tasks.services.tasks import get_task, update_task
from tasks.slots import jitter_delay
from tasks.timing import MAX_JITTER

HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Spread:
    """When a schedule starts next, and when it would after the spreading."""

    task: Task
    schedule: Schedule
    before: datetime
    after: datetime


def plan_spread(*, task_ids: Sequence[str], seconds: int = HOUR) -> list[Spread]:
    """What `spread_schedules` would change: each schedule gets a delay of its own that stays."""
    if not 0 <= seconds <= MAX_JITTER:
        message = _("Write a whole number from 0 to %(most)d.") % {"most": MAX_JITTER}
        raise InvalidInput({"seconds": [message]})
    now = timezone.now()
    tasks = [get_task(task_id) for task_id in dict.fromkeys(task_ids)]
    found = [
        _spread(task, schedule, seconds, now)
        for task in tasks
        for schedule in task.schedules.order_by("key")
        if schedule.jitter != seconds
    ]
    return sorted(filter(None, found), key=lambda each: (each.after, each.task.name))


def _spread(task: Task, schedule: Schedule, seconds: int, now: datetime) -> Spread | None:
    slot = timing_of(schedule).next_time(now)
    if slot is None:
        return None
    key = str(schedule.pk)
    before, after = jitter_delay(key, schedule.jitter), jitter_delay(key, seconds)
    return Spread(task=task, schedule=schedule, before=slot + before, after=slot + after)


def spread_schedules(
    *, task_ids: Sequence[str], seconds: int = HOUR, actor: Actor = PYTHON
) -> list[Spread]:
    """Gives each schedule a fixed delay within the span; no slot moves, and none starts over.

    0 takes the delays away again. A change of each task, to be undone like any other.
    """
    actor.demand("change_task")
    with transaction.atomic():
        planned = plan_spread(task_ids=task_ids, seconds=seconds)
        chosen = {each.schedule.pk for each in planned}
        for task in {each.task.pk: each.task for each in planned}.values():
            schedules = [
                {**state_of(each), **({"jitter": seconds} if each.pk in chosen else {})}
                for each in task.schedules.select_related("after_task")
            ]
            update_task(task_id=task.task_id, actor=actor, schedules=schedules)
    return planned

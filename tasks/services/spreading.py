"""Spreads schedules that were made together over a span, so that they don't start at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from tasks.models import Schedule
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import InvalidInput
from tasks.services.schedules import timing_of
from tasks.services.tasks import get_task
from tasks.slots import fingerprint
from tasks.timing import MAX_JITTER

HOUR = 3600


def spread_schedules(*, task_ids: Sequence[str], seconds: int = HOUR, actor: Actor = PYTHON) -> int:
    """Gives each schedule a fixed delay within the span; returns how many changed."""
    actor.demand("change_task")
    if not 0 <= seconds <= MAX_JITTER:
        message = _("Write a whole number from 0 to %(most)d.") % {"most": MAX_JITTER}
        raise InvalidInput({"seconds": [message]})
    with transaction.atomic():
        return sum(_spread(task_id, seconds, actor) for task_id in task_ids)


def _spread(task_id: str, seconds: int, actor: Actor) -> int:
    task = get_task(task_id)
    changed = [each for each in task.schedules.all() if _is_apart(each, seconds)]
    for schedule in changed:
        before, schedule.jitter = schedule.jitter, seconds
        # The same slots, only later: nothing starts over.
        on = schedule.enabled and task.enabled
        schedule.timing_hash = fingerprint(timing_of(schedule), enabled=on)
        schedule.save(update_fields=["jitter", "timing_hash", "updated_at"])
        changes = {f"schedules.{schedule.key}.jitter": [before, seconds]}
        audit.record(actor=actor, action="change", task=task, changes=changes)
    return len(changed)


def _is_apart(schedule: Schedule, seconds: int) -> bool:
    return timing_of(schedule).is_timed and schedule.jitter != seconds

"""Runs for slots of the past: counted first, then queued one after another."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Run, Schedule, Task
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import InvalidInput
from tasks.services.insertion import NewRun, insert_runs
from tasks.services.runs import wake_dispatchers
from tasks.services.schedules import timing_of
from tasks.services.tasks import get_task

LIMIT = 500
# slots_between leaves out its beginning.
TINY = timedelta(microseconds=1)


def count_backfill(*, task_id: str, start: datetime, end: datetime) -> int:
    """How many runs `backfill` would queue."""
    task = get_task(task_id)
    _check_range(start, end)
    after = start - TINY
    return sum(timing_of(each).slots_between(after, end, newest=0).total for each in _timed(task))


def backfill(*, task_id: str, start: datetime, end: datetime, actor: Actor = PYTHON) -> list[Run]:
    """Queues one run for each slot with start <= slot <= end. Raises InvalidInput when there are
    none, or more than LIMIT."""
    actor.demand("operate_task")
    count = count_backfill(task_id=task_id, start=start, end=end)
    if not count:
        raise InvalidInput({"start": [_("No run was planned in this time.")]})
    if count > LIMIT:
        message = _("That would be %(count)d runs; at most %(limit)d at a time are allowed.")
        raise InvalidInput({"end": [message % {"count": count, "limit": LIMIT}]})
    task, now = get_task(task_id), timezone.now()
    rows = [
        NewRun(
            schedule_id=schedule.pk,
            trigger=Run.Trigger.BACKFILL,
            requested_by=actor.name,
            at=now,
            for_slot=slot,
            queued_at=now,
        )
        for schedule in _timed(task)
        for slot in timing_of(schedule).slots_between(start - TINY, end, newest=LIMIT).newest
    ]
    rows.sort(key=lambda row: row.for_slot or now)
    with transaction.atomic():
        insert_runs(rows)
        changes = {"from": [None, start.isoformat()], "to": [None, end.isoformat()]}
        audit.record(actor=actor, action="backfill", task=task, changes=changes)
        transaction.on_commit(wake_dispatchers)
    return list(Run.objects.filter(pk__in=[row.id for row in rows]).order_by("for_slot"))


def _timed(task: Task) -> list[Schedule]:
    return [each for each in task.schedules.all() if timing_of(each).is_timed]


def _check_range(start: datetime, end: datetime) -> None:
    if start.tzinfo is None or end.tzinfo is None:
        raise InvalidInput({"start": [_("Say the time zone of the range.")]})
    if end <= start:
        raise InvalidInput({"end": [_("The end comes before the start. Choose a later end.")]})
    if end > timezone.now():
        raise InvalidInput({"end": [_("A backfill is for the past. Choose an earlier end.")]})

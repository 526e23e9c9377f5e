"""Schedules that run when a scheduler starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from tasks.models import Run, Schedule
from tasks.services.firing import Fired
from tasks.services.insertion import NewRun, insert_runs
from tasks.services.standstill import Standstill


def queue_startup_runs(*, now: datetime, inside: Callable[[], None] = lambda: None) -> Fired:
    with transaction.atomic():
        inside()
        standstill = Standstill.since(now)
        schedules = Schedule.objects.on().filter(kind=Schedule.Kind.STARTUP)
        fired = Fired(
            runs=[_run(each, now, standstill) for each in schedules if _is_open(each, now)]
        )
        insert_runs(fired.runs)
    return fired


def _is_open(schedule: Schedule, now: datetime) -> bool:
    started = schedule.start_at is None or schedule.start_at <= now
    return started and (schedule.end_at is None or now <= schedule.end_at)


def _run(schedule: Schedule, now: datetime, standstill: Standstill) -> NewRun:
    still = standstill.reason(now, schedule.task_id)
    reason, detail = still or ("", {})
    return NewRun(
        schedule_id=schedule.pk,
        trigger=Run.Trigger.STARTUP,
        status=Run.Status.SKIPPED if still else Run.Status.QUEUED,
        reason=reason,
        detail=detail,
        at=now,
        queued_at=now,
    )

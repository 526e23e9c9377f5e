"""Schedules that wait for an event: another task's end, or a scheduler's start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tasks.models import Run, Schedule
from tasks.models.schedule import ScheduleQuerySet
from tasks.services.firing import Fired, rooms_of, stop_others
from tasks.services.insertion import NewRun, insert_runs
from tasks.services.planning import Room
from tasks.services.standstill import Standstill

Status = Run.Status
GOOD = {Status.SUCCEEDED, Status.SUSPICIOUS}


def queue_startup_runs(*, now: datetime, inside: Callable[[], None] = lambda: None) -> Fired:
    with transaction.atomic():
        inside()
        schedules = _on().filter(kind=Schedule.Kind.STARTUP)
        return _queue(schedules, now, trigger=Run.Trigger.STARTUP)


def queue_follow_ups(run: Run) -> Fired:
    """The caller holds the transaction in which the run ended."""
    wanted = [Schedule.After.EITHER]
    if run.status in GOOD:
        wanted.append(Schedule.After.SUCCESS)
    elif run.status == Status.FAILED:
        wanted.append(Schedule.After.FAILURE)
    schedules = _on().filter(kind=Schedule.Kind.AFTER, after_task=run.task_id, after_on__in=wanted)
    return _queue(schedules, timezone.now(), trigger=Run.Trigger.CHAIN, upstream=run.pk)


def _queue(
    schedules: Iterable[Schedule], now: datetime, *, trigger: str, upstream: UUID | None = None
) -> Fired:
    found = [each for each in schedules if _is_open(each, now)]
    fired = Fired()
    if not found:
        return fired
    rooms = rooms_of(
        (each.task_id, each.task.overlap_policy, each.task.max_instances) for each in found
    )
    standstill = Standstill.since(now)
    for schedule in found:
        room = rooms[schedule.task_id]
        reason, detail = _obstacle(schedule, now, standstill, room)
        run = NewRun(
            schedule_id=schedule.pk,
            trigger=trigger,
            upstream_id=upstream,
            status=Status.SKIPPED if reason else Status.QUEUED,
            reason=reason,
            detail=detail,
            at=now,
            queued_at=now,
            not_before=now + timedelta(seconds=schedule.delay) if schedule.delay else None,
        )
        if not reason and not schedule.delay:
            room.take(run.id)
        fired.runs.append(run)
    insert_runs(fired.runs)
    stop_others(rooms.values())
    return fired


def _on() -> ScheduleQuerySet:
    # Most runs have no follow-up: what is not there needs no columns of its task.
    return Schedule.objects.on().prefetch_related("task")


def _is_open(schedule: Schedule, now: datetime) -> bool:
    started = schedule.start_at is None or schedule.start_at <= now
    return started and (schedule.end_at is None or now <= schedule.end_at)


def _obstacle(
    schedule: Schedule, now: datetime, standstill: Standstill, room: Room
) -> tuple[str, dict[str, Any]]:
    starts = now + timedelta(seconds=schedule.delay)
    still = standstill.reason(schedule.task_id, starts)
    if still is not None:
        return still
    # What will be in the way after a delay, nobody knows now: the dispatcher waits for it.
    obstacle = None if schedule.delay else room.in_the_way()
    return ("overlap", {"run": str(obstacle)}) if obstacle is not None else ("", {})

"""The schedules as this process last read them: what triggers and firings go by."""

from __future__ import annotations

from dataclasses import fields

from tasks.models import Schedule
from tasks.services.firing import Known
from tasks.services.schedules import timing_of
from tasks.slots import Timing, fingerprint

TIMING_FIELDS = tuple(each.name for each in fields(Timing))

known: dict[int, Known] = {}


def look_up(schedule_id: int) -> Known | None:
    """From the table where this process has not read it yet."""
    if schedule_id not in known:
        schedule = Schedule.objects.select_related("task").filter(pk=schedule_id).first()
        if schedule is None:
            return None
        timing = timing_of(schedule)
        on = schedule.enabled and schedule.task.enabled
        known[schedule_id] = Known(timing=timing, hash=fingerprint(timing, enabled=on))
    return known[schedule_id]

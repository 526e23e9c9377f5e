"""How many runs start in each hour of the week, from the schedules themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from tasks.models import Schedule
from tasks.services.schedules import timing_of
from tasks.slots import Timing, jitter_delay

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
HOURS = 168
TINY = timedelta(microseconds=1)
LAST = HOUR - TINY
# Monday to Sunday, 0 to 23 o'clock.
Week = list[list[int]]


def hours_of_the_week(*, now: datetime | None = None, zone: str | None = None) -> Week:
    """The seven days from now, on the wall clock of `zone`."""
    now, place = now or timezone.now(), ZoneInfo(zone or settings.SCHEDULER_TIMEZONE)
    week = [[0] * 24 for _ in range(7)]
    for schedule in Schedule.objects.on().select_related("task"):
        try:
            _add(week, timing_of(schedule), now, place, str(schedule.pk))
        except ValueError:  # written past the services: shown as never running
            continue
    return week


def _add(week: Week, timing: Timing, now: datetime, place: ZoneInfo, key: str) -> None:
    delay = jitter_delay(key, timing.jitter)
    start = now - delay
    if timing.count(start, start + WEEK) <= HOURS:
        for slot in timing.next_times(start, HOURS):
            if slot > start + WEEK:
                return
            _count(week, (slot + delay).astimezone(place), 1)
        return
    # Runs often: each hour is counted at once.
    first = now.replace(minute=0, second=0, microsecond=0)
    for index in range(HOURS):
        hour = first + index * HOUR
        _count(week, hour.astimezone(place), timing.count(hour - delay - TINY, hour - delay + LAST))


def _count(week: Week, local: datetime, runs: int) -> None:
    week[local.weekday()][local.hour] += runs

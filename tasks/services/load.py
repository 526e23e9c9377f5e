"""How many runs start in each hour of the week, from the schedules themselves."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from tasks.models import Schedule
from tasks.services.schedules import delay_of, timing_of
from tasks.slots import Timing

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
        for hour, runs in enumerate(starts_by_hour(schedule, now, place)):
            week[hour // 24][hour % 24] += runs
    return week


def starts_by_hour(schedule: Schedule, now: datetime, place: tzinfo) -> tuple[int, ...]:
    """How many runs it starts in each of the 168 hours of the seven days from now."""
    delay = delay_of(schedule)
    try:
        return _starts(
            timing_of(schedule), delay, now.replace(minute=0, second=0, microsecond=0), place
        )
    except ValueError:  # written past the services: shown as never running
        return (0,) * HOURS


# Every open home page asks for the same week; it is another one only an hour later.
@lru_cache(maxsize=8192)
def _starts(timing: Timing, delay: timedelta, first: datetime, place: tzinfo) -> tuple[int, ...]:
    week = [0] * HOURS
    start = first - delay - TINY
    if timing.count(start, start + WEEK) <= HOURS:
        for slot in timing.next_times(start, HOURS):
            if slot > start + WEEK:
                break
            week[_hour_of((slot + delay).astimezone(place))] += 1
        return tuple(week)
    # Runs often: each hour is counted at once.
    for index in range(HOURS):
        hour = first + index * HOUR
        runs = timing.count(hour - delay - TINY, hour - delay + LAST)
        week[_hour_of(hour.astimezone(place))] += runs
    return tuple(week)


def _hour_of(local: datetime) -> int:
    return local.weekday() * 24 + local.hour

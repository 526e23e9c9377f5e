"""How many runs start in each hour of the week, from the schedules themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from tasks.models import Schedule
from tasks.services.schedules import delay_of, timing_of
from tasks.slots import Timing

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOURS = 168
TINY = timedelta(microseconds=1)
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
    first = now.astimezone(place).replace(minute=0, second=0, microsecond=0)
    try:
        return _starts(timing_of(schedule), delay, first.astimezone(UTC), place)
    except ValueError:  # written past the services: shown as never running
        return (0,) * HOURS


# Every open home page asks for the same week; it is another one only an hour later.
@lru_cache(maxsize=8192)
def _starts(timing: Timing, delay: timedelta, first: datetime, place: tzinfo) -> tuple[int, ...]:
    midnight = first.replace(hour=0)
    days = [_starts_of_day(timing, delay, midnight + day * DAY) for day in range(8)]
    ahead = [runs for day in days for runs in day][first.hour :]
    week = [0] * HOURS
    for hour, runs in zip(_hours_ahead(first, place), ahead, strict=False):
        week[hour] += runs
    return tuple(week)


# The next hour's week has the same days.
@lru_cache(maxsize=16_384)
def _starts_of_day(timing: Timing, delay: timedelta, start: datetime) -> tuple[int, ...]:
    """By halves, since nearly all of a day is empty for most: counting is much quicker than
    walking from one time to the next."""
    hours, before = [0] * 24, start - delay - TINY

    def count(low: int, high: int) -> int:
        return timing.count(before + low * HOUR, before + high * HOUR)

    def fill(low: int, high: int, runs: int) -> None:
        if not runs or high - low == 1:
            hours[low] = runs
            return
        middle = (low + high) // 2
        earlier = count(low, middle)
        fill(low, middle, earlier)
        fill(middle, high, runs - earlier)

    fill(0, 24, count(0, 24))
    return tuple(hours)


@lru_cache(maxsize=64)
def _hours_ahead(first: datetime, place: tzinfo) -> tuple[int, ...]:
    """Where in the week each of the hours from the first one on stands, Monday at 0 first. A week
    in which the clocks change has an hour more or less than others."""
    a_week_later = (first.astimezone(place) + 7 * DAY).astimezone(UTC)
    hours = range((a_week_later - first) // HOUR)
    local = ((first + index * HOUR).astimezone(place) for index in hours)
    return tuple(moment.weekday() * 24 + moment.hour for moment in local)

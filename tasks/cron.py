"""Cron expressions as Debian's cron reads them. croniter does the calendar; the rules in which
it differs, and everything about clock changes, are settled here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from django.utils.translation import gettext as _

from tasks import zones
from tasks.cron_text import FIELDS, LIMITS, CronError, canonical

__all__ = ["FIELDS", "CronError", "Pattern", "count_times", "next_time", "normalise", "parse"]

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pattern:
    """What an expression means, as values; `either` is the rule for day of month and weekday."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    wildcard: bool

    @property
    def per_day(self) -> int:
        return len(self.minutes) * len(self.hours)

    def on_day(self, day: datetime) -> bool:
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        matches = by_date or by_weekday if self.either else by_date and by_weekday
        return matches and day.month in self.months

    def matches(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and self.on_day(wall)

    def earlier_that_day(self, wall: datetime) -> int:
        """How many of a full day's times are before this time of day."""
        hours = bisect_left(self.hours, wall.hour)
        count = hours * len(self.minutes)
        if hours < len(self.hours) and self.hours[hours] == wall.hour:
            into_the_minute = wall.second > 0 or wall.microsecond > 0
            count += bisect_left(self.minutes, wall.minute + into_the_minute)
        return count

    def soon_after(self, wall: datetime) -> datetime | None:
        """The first time later than `wall` that day or in the week after it."""
        midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.on_day(midnight):
            done = self._done_that_day(wall)
            if done < self.per_day:
                return self._nth_time(midnight, done)
        for number in range(1, 8):
            day = midnight + number * _DAY
            if self.on_day(day):
                return self._nth_time(day, 0)
        return None

    def _done_that_day(self, wall: datetime) -> int:
        """How many of a full day's times are not later than this time of day."""
        hours = bisect_left(self.hours, wall.hour)
        count = hours * len(self.minutes)
        if hours < len(self.hours) and self.hours[hours] == wall.hour:
            count += bisect_right(self.minutes, wall.minute)
        return count

    def _nth_time(self, midnight: datetime, number: int) -> datetime:
        hour, minute = divmod(number, len(self.minutes))
        return midnight.replace(hour=self.hours[hour], minute=self.minutes[minute])


class _Calendar:
    """croniter on naive times. Its instances carry a cursor, hence the lock."""

    def __init__(self, expression: str) -> None:
        self._croniter = croniter(expression, 0.0, ret_type=datetime, implement_cron_bug=True)
        self._lock = Lock()

    @property
    def expanded(self) -> list[list[Any]]:
        return self._croniter.expanded  # type: ignore[no-any-return]

    def next(self, wall: datetime) -> datetime:
        with self._lock:
            self._croniter.set_current(wall, force=True)
            return self._croniter.get_next()  # type: ignore[no-any-return]

    def previous(self, wall: datetime) -> datetime:
        with self._lock:
            self._croniter.set_current(wall, force=True)
            return self._croniter.get_prev()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Parsed:
    pattern: Pattern
    calendar: _Calendar

    def next(self, wall: datetime) -> datetime:
        # croniter takes ten times as long to find what is near.
        return self.pattern.soon_after(wall) or self.calendar.next(wall)


def normalise(expression: str) -> str:
    """One spelling per meaning of blanks, case and aliases; raises CronError."""
    normal = canonical(expression)
    _parse(normal)
    return normal


def parse(expression: str) -> Pattern:
    return _parse(normalise(expression)).pattern


# A firing asks for the time that the firing before it worked out.
@lru_cache(maxsize=16_384)
def next_time(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first firing strictly later than `after`, in UTC; takes normalised expressions."""
    parsed = _parse(expression)
    search = _next_on_wall_clock if parsed.pattern.wildcard else _next_fixed
    try:
        return search(parsed, zone, after.astimezone(UTC))
    except (ValueError, OverflowError):  # croniter found no date, or the calendar ended
        return None


def previous_time(expression: str, zone: ZoneInfo, before: datetime) -> datetime | None:
    """The last firing strictly earlier than `before`, in UTC."""
    parsed = _parse(expression)
    search = _previous_on_wall_clock if parsed.pattern.wildcard else _previous_fixed
    try:
        return search(parsed, zone, before.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def count_times(expression: str, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    """How many firings with after < firing <= until, without walking them."""
    if until <= after:
        return 0
    pattern = _parse(expression).pattern
    count = _count_on_wall_clock if pattern.wildcard else _count_fixed
    return count(pattern, zone, after.astimezone(UTC), until.astimezone(UTC))


@lru_cache(maxsize=8192)
def _parse(normal: str) -> _Parsed:
    """Takes what `normalise` returns; raises CronError if there is no such date."""
    fields = normal.split()
    calendar = _Calendar(" ".join(_for_croniter(index, text) for index, text in enumerate(fields)))
    pattern = _pattern(fields, calendar.expanded)
    try:
        calendar.next(datetime(2024, 1, 1))  # noqa: DTZ001 - wall clock
    except ValueError as error:
        message = _("This never runs: there is no such date.")
        raise CronError(message, field="day") from error
    return _Parsed(pattern, calendar)


def _for_croniter(index: int, field: str) -> str:
    """Only a star at the very start makes the rule of the days AND; croniter looks for any."""
    first, *rest = field.split(",")
    low, high = LIMITS[index]
    whole = f"{low}-{min(high, 6) if index == 4 else high}"
    return ",".join([first, *(term.replace("*", whole) for term in rest)])


def _pattern(fields: list[str], expanded: list[list[Any]]) -> Pattern:
    minutes, hours, days, months, weekdays = (
        range(low, (6 if index == 4 else high) + 1) if "*" in values else values
        for index, ((low, high), values) in enumerate(zip(LIMITS, expanded, strict=True))
    )
    return Pattern(
        minutes=tuple(minutes),
        hours=tuple(hours),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(weekdays),
        either=not (fields[2].startswith("*") or fields[4].startswith("*")),
        wildcard=fields[0].startswith("*") or fields[1].startswith("*"),
    )


def _next_fixed(parsed: _Parsed, zone: ZoneInfo, after: datetime) -> datetime:
    wall = zones.naive(after, zones.offset_at(zone, after))
    while True:
        wall = parsed.next(wall)
        moment = zones.place(wall, zone)
        if moment is not None and moment > after:  # else: in the second pass it already ran
            return moment


def _previous_fixed(parsed: _Parsed, zone: ZoneInfo, before: datetime) -> datetime:
    repeat = zones.repeat_at(zone, before)
    wall = repeat.local_from if repeat else zones.naive(before, zones.offset_at(zone, before))
    while True:
        wall = parsed.calendar.previous(wall)
        moment = zones.place(wall, zone)
        if moment is not None and moment < before:
            return moment


def _next_on_wall_clock(parsed: _Parsed, zone: ZoneInfo, after: datetime) -> datetime:
    cursor, offset = after, zones.offset_at(zone, after)
    start = zones.naive(after, offset)
    wall = parsed.next(start)
    while True:
        moment = zones.to_utc(wall, offset)
        change = next(zones.changes(zone, cursor, moment), None)
        if change is None:
            return moment
        cursor, offset = change.at, change.after
        if not start < change.local_to <= wall:
            wall = parsed.next(change.local_to - _MICROSECOND)
        start = change.local_to


def _previous_on_wall_clock(parsed: _Parsed, zone: ZoneInfo, before: datetime) -> datetime:
    cursor = before
    while True:
        offset = zones.offset_at(zone, cursor - _MICROSECOND)
        wall = parsed.calendar.previous(zones.naive(cursor, offset))
        moment = zones.to_utc(wall, offset)
        change = next(zones.changes_backwards(zone, moment, cursor), None)
        if change is None:
            return moment
        cursor = change.at


def _count_naive(pattern: Pattern, start: datetime, end: datetime) -> int:
    """Matching wall-clock times with start <= time < end."""
    count = pattern.earlier_that_day(end) if pattern.on_day(end) else 0
    count -= pattern.earlier_that_day(start) if pattern.on_day(start) else 0
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range((end.date() - start.date()).days):
        count += pattern.per_day if pattern.on_day(midnight + day * _DAY) else 0
    return count


def _count_fixed(pattern: Pattern, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    count = _count_naive(pattern, _done_until(zone, after), _done_until(zone, until))
    for change in zones.changes(zone, after, until):
        if change.jump > timedelta():
            count -= _lost_in_gap(pattern, change)
    return count


def _done_until(zone: ZoneInfo, moment: datetime) -> datetime:
    """All fixed local times before this one have happened at `moment`, none after it has."""
    repeat = zones.repeat_at(zone, moment)
    if repeat:
        return repeat.local_from
    return zones.naive(moment, zones.offset_at(zone, moment)) + _MICROSECOND


def _lost_in_gap(pattern: Pattern, change: zones.Change) -> int:
    inside = _count_naive(pattern, change.local_from, change.local_to)
    made_up = change.jump < zones.LONG_JUMP and not pattern.matches(change.local_to)
    return inside - (inside > 0 and made_up)


def _count_on_wall_clock(pattern: Pattern, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    count, cursor = 0, after + _MICROSECOND
    for change in zones.changes(zone, after, until):
        count += _count_naive(pattern, zones.naive(cursor, change.before), change.local_from)
        cursor = change.at
    offset = zones.offset_at(zone, until)
    return count + _count_naive(
        pattern, zones.naive(cursor, offset), zones.naive(until, offset) + _MICROSECOND
    )

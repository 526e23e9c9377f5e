"""One schedule's slots: the moments at which it is due. All kinds, one interface, no database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from tasks import cron, zones

CRON, INTERVAL, ONCE, AFTER, STARTUP = KINDS = ("cron", "interval", "once", "after", "startup")
UNITS = ("weeks", "days", "hours", "minutes", "seconds")

_MICROSECOND = timedelta(microseconds=1)
_NO_ANCHOR = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Slots:
    """The newest slots of a range one by one, and how many older ones there are."""

    newest: list[datetime] = field(default_factory=list)
    older: int = 0
    older_first: datetime | None = None
    older_last: datetime | None = None
    # The first one after the range.
    following: datetime | None = None

    @property
    def total(self) -> int:
        return self.older + len(self.newest)


class Series(Protocol):
    """Times without bounds; `next` and `previous` are strict."""

    def next(self, after: datetime) -> datetime | None: ...
    def previous(self, before: datetime) -> datetime | None: ...
    def count(self, after: datetime, until: datetime) -> int: ...


@dataclass(frozen=True)
class Timing:
    kind: str
    cron: str = ""
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0
    run_at: datetime | None = None
    timezone: str = "UTC"
    anchor: datetime | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    jitter: int = 0

    @property
    def zone(self) -> ZoneInfo:
        return zones.load_zone(self.timezone)

    @property
    def whole_days(self) -> int:
        return self.weeks * 7 + self.days

    @property
    def within_a_day(self) -> timedelta:
        return timedelta(hours=self.hours, minutes=self.minutes, seconds=self.seconds)

    @property
    def period(self) -> timedelta:
        return timedelta(days=self.whole_days) + self.within_a_day

    @property
    def counts_from(self) -> datetime:
        return self.start_at or self.anchor or _NO_ANCHOR

    @property
    def is_timed(self) -> bool:
        return self.kind in {CRON, INTERVAL, ONCE}

    @cached_property
    def series(self) -> Series:
        return _series(self)

    def next_time(self, after: datetime) -> datetime | None:
        """The first slot strictly later than `after`, in UTC."""
        if self.start_at is not None:
            after = max(after, self.start_at - _MICROSECOND)
        moment = self.series.next(after)
        return None if moment is None or self._ended(moment) else moment

    def coming(self, now: datetime) -> datetime | None:
        """next_time(), for those who ask again and again while time goes on."""
        known = _known_gap(self)
        asked, slot = known.ends
        if not (asked <= now and (slot is None or now < slot)):
            slot = self.next_time(now)
            known.ends = (now, slot)
        return slot

    def previous_time(self, at_or_before: datetime) -> datetime | None:
        """The last slot at or before this moment."""
        if self.end_at is not None:
            at_or_before = min(at_or_before, self.end_at)
        moment = self.series.previous(at_or_before + _MICROSECOND)
        too_early = moment is not None and self.start_at is not None and moment < self.start_at
        return None if too_early else moment

    def next_times(self, after: datetime, number: int) -> list[datetime]:
        return list(self._walk(after, number))

    def _walk(self, after: datetime, number: int) -> Iterator[datetime]:
        moment: datetime | None = after
        for _ in range(number):
            moment = self.next_time(moment) if moment is not None else None
            if moment is None:
                return
            yield moment

    def count(self, after: datetime, until: datetime) -> int:
        """How many slots with after < slot <= until, without walking them."""
        after, until = self._bounded(after, until)
        return self.series.count(after, until) if after < until else 0

    def slots_between(self, after: datetime, until: datetime, *, newest: int = 100) -> Slots:
        """The slots with after < slot <= until; bounded work, however long the range."""
        first = self.next_time(after)
        if first is None or first > until:
            return Slots(following=first)
        second = self.next_time(first)
        if newest and (second is None or second > until):
            # Nearly always: looking back costs more.
            return Slots([first], following=second)
        found: list[datetime] = []
        moment = self.previous_time(until)
        while moment is not None and moment > after and len(found) < newest:
            found.append(moment)
            moment = self.previous_time(moment - _MICROSECOND)
        found.reverse()
        following = self.next_time(until)
        if moment is None or moment <= after:
            return Slots(found, following=following)
        return Slots(found, self.count(after, moment), first, moment, following)

    def _ended(self, moment: datetime) -> bool:
        return self.end_at is not None and moment > self.end_at

    def _bounded(self, after: datetime, until: datetime) -> tuple[datetime, datetime]:
        if self.start_at is not None:
            after = max(after, self.start_at - _MICROSECOND)
        return after, min(until, self.end_at) if self.end_at is not None else until


def jitter_delay(key: str, jitter: int) -> timedelta:
    """The same delay for the same schedule, always; at most `jitter` seconds."""
    if jitter <= 0:
        return timedelta()
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    return timedelta(milliseconds=number % (jitter * 1000))


def fingerprint(timing: Timing, *, enabled: bool) -> str:
    """Changes whenever an edit means that the schedule starts over from now.

    Jitter moves no slot: what waits for its delay must not be forgotten when that changes.
    """
    fields = (
        timing.kind, timing.cron, timing.weeks, timing.days, timing.hours, timing.minutes,
        timing.seconds, _iso(timing.run_at), timing.timezone, _iso(timing.anchor),
        _iso(timing.start_at), _iso(timing.end_at), 0, bool(enabled),
    )  # fmt: skip
    return hashlib.sha256(repr(fields).encode()).hexdigest()[:32]


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat()


def due_at(key: str, slot: datetime, jitter: int) -> datetime:
    return slot + jitter_delay(key, jitter)


class _KnownGap:
    """A moment and the first slot after it: the next one from any moment between. Read and set at
    once, since threads share it."""

    ends: tuple[datetime, datetime | None] = (datetime.max.replace(tzinfo=UTC), None)


@lru_cache(maxsize=16384)
def _known_gap(_timing: Timing) -> _KnownGap:
    return _KnownGap()


@lru_cache(maxsize=16384)
def _series(timing: Timing) -> Series:
    if timing.kind == CRON:
        return CronSeries(cron.normalise(timing.cron), timing.zone)
    if timing.kind == INTERVAL:
        anchor = timing.counts_from.astimezone(UTC)
        return IntervalSeries(anchor, timing.whole_days, timing.within_a_day, timing.zone)
    return OnceSeries(timing.run_at if timing.kind == ONCE else None)


@dataclass(frozen=True)
class CronSeries:
    expression: str
    zone: ZoneInfo

    def next(self, after: datetime) -> datetime | None:
        return cron.next_time(self.expression, self.zone, after)

    def previous(self, before: datetime) -> datetime | None:
        return cron.previous_time(self.expression, self.zone, before)

    def count(self, after: datetime, until: datetime) -> int:
        return cron.count_times(self.expression, self.zone, after, until)


@dataclass(frozen=True)
class OnceSeries:
    moment: datetime | None

    def next(self, after: datetime) -> datetime | None:
        return self.moment if self.moment is not None and self.moment > after else None

    def previous(self, before: datetime) -> datetime | None:
        return self.moment if self.moment is not None and self.moment < before else None

    def count(self, after: datetime, until: datetime) -> int:
        return int(self.moment is not None and after < self.moment <= until)


@dataclass(frozen=True)
class IntervalSeries:
    """Days keep the anchor's time on the wall clock, the rest is counted in absolute time."""

    anchor: datetime
    days: int
    rest: timedelta
    zone: ZoneInfo

    def next(self, after: datetime) -> datetime | None:
        try:
            index = self._last_index(after) + 1
            while (moment := self._at(index)) is None:
                index += 1
        except OverflowError:
            return None
        return moment

    def previous(self, before: datetime) -> datetime | None:
        index = self._last_index(before - _MICROSECOND)
        return None if index < 0 else self._at(index)

    def count(self, after: datetime, until: datetime) -> int:
        first, last = self._last_index(after), self._last_index(until)
        if not self._skips_days(after, until):
            return last - first
        return sum(self._at(index) is not None for index in range(first + 1, last + 1))

    @property
    def _period(self) -> timedelta:
        return timedelta(days=self.days) + self.rest

    def _at(self, index: int) -> datetime | None:
        if index == 0 or not self.days:
            return self.anchor + index * self._period
        wall = self.anchor.astimezone(self.zone).replace(tzinfo=None, fold=0)
        moment = zones.place(wall + timedelta(days=index * self.days), self.zone)
        return None if moment is None else moment + index * self.rest

    def _last_index(self, moment: datetime) -> int:
        """Of the last slot at or before this moment; -1 if there is none."""
        if self._period <= timedelta():
            raise ValueError("An interval needs a length")
        index = max((moment - self.anchor) // self._period, -1)
        # A wall clock is at most a day away from steady time.
        for candidate in range(index + 2 if self.days else index, -1, -1):
            slot = self._at(candidate)
            if slot is not None and slot <= moment:
                return candidate
        return -1

    def _skips_days(self, after: datetime, until: datetime) -> bool:
        margin = timedelta(days=2)
        found = zones.changes(self.zone, after - margin, until + margin) if self.days else ()
        return any(change.jump >= zones.LONG_JUMP for change in found)

"""Wall clocks: when a zone's clock changes, and where a local time lands in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Two changes of one zone have never been closer than some days.
_PROBE = timedelta(hours=6)
_MICROSECOND = timedelta(microseconds=1)
# Debian's cron treats a jump of three hours or more as a correction of the clock.
LONG_JUMP = timedelta(hours=3)


class Change(NamedTuple):
    at: datetime
    before: timedelta
    after: timedelta

    @property
    def jump(self) -> timedelta:
        return self.after - self.before

    @property
    def local_from(self) -> datetime:
        return naive(self.at, self.before)

    @property
    def local_to(self) -> datetime:
        return naive(self.at, self.after)


def load_zone(name: str) -> ZoneInfo:
    """Raises a ValueError for whatever is no IANA zone, path tricks included."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise ValueError(f"Unknown time zone: {name!r}") from error


def naive(moment: datetime, offset: timedelta) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) + offset


def to_utc(wall: datetime, offset: timedelta) -> datetime:
    return (wall - offset).replace(tzinfo=UTC)


def offset_at(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@lru_cache(maxsize=4096)
def changes_in_year(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    found = []
    low, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    before = offset_at(zone, low)
    while low < last:
        high = min(low + _PROBE, last)
        after = offset_at(zone, high)
        if after != before:
            found.append(Change(_bisect(zone, low, high), before, after))
        low, before = high, after
    return tuple(found)


def _bisect(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    start, offset = int(low.timestamp()), offset_at(zone, low)
    end = int(high.timestamp())
    while end - start > 1:
        middle = (start + end) // 2
        same = offset_at(zone, datetime.fromtimestamp(middle, UTC)) == offset
        start, end = (middle, end) if same else (start, middle)
    return datetime.fromtimestamp(end, UTC)


def changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes with start < at <= end, oldest first."""
    if zone.key == "UTC":
        return
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    # A change at midnight UTC of 1 January is found by the year before it.
    for year in range((start - _MICROSECOND).year, end.year + 1):
        yield from (change for change in changes_in_year(zone, year) if start < change.at <= end)


def changes_backwards(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes with start < at < end, newest first."""
    if zone.key == "UTC":
        return
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    for year in range(end.year, (start - _MICROSECOND).year - 1, -1):
        yield from (
            change for change in reversed(changes_in_year(zone, year)) if start < change.at < end
        )


def place(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """Where a fixed local time happens: in the first pass of a repeated hour, at the end of a
    gap, nowhere if the gap is a long jump."""
    offset = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    moment = to_utc(wall, offset)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return moment
    later = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    if later - offset >= LONG_JUMP:
        return None
    return next(changes(zone, to_utc(wall, later), moment)).at


def moment_on(wall: datetime, zone: ZoneInfo) -> datetime:
    """Where one moment that somebody wrote lies: as a fixed local time, but never nowhere."""
    return place(wall, zone) or to_utc(wall, wall.replace(tzinfo=zone).utcoffset() or timedelta())


def repeat_at(zone: ZoneInfo, moment: datetime) -> Change | None:
    """The change whose repeated hour `moment` lies in, if it is in the second pass."""
    if not moment.astimezone(zone).fold:
        return None
    return next(changes_backwards(zone, moment - timedelta(days=2), moment + _MICROSECOND), None)

"""The rules of cron, minute by minute: slow, simple, and shares no code with the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
NAMES = (
    {},
    {},
    {},
    dict(
        zip(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
            range(1, 13),
            strict=True,
        )
    ),
    {name: n for n, name in enumerate(WEEKDAYS)},
)


def values(index: int, field: str) -> set[int]:
    found: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        if span == "*":
            low, high = BOUNDS[index]
        else:
            first, _, last = span.partition("-")
            low = NAMES[index].get(first) if first in NAMES[index] else int(first)
            high = low if not last else NAMES[index].get(last, None)
            high = int(last) if high is None else high
        found |= set(range(low, high + 1, int(step or 1)))
    return {value % 7 for value in found} if index == 4 else found


class Model:
    def __init__(self, expression: str) -> None:
        self.fields = expression.split()
        self.sets = [values(index, field) for index, field in enumerate(self.fields)]

    @property
    def wildcard(self) -> bool:
        return self.fields[0][0] == "*" or self.fields[1][0] == "*"

    def matches(self, wall: datetime) -> bool:
        minutes, hours, days, months, weekdays = self.sets
        if wall.minute not in minutes or wall.hour not in hours or wall.month not in months:
            return False
        by_date, by_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        if self.fields[2][0] == "*" or self.fields[4][0] == "*":
            return by_date and by_weekday
        return by_date or by_weekday

    def firings(self, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
        """All firings with start <= t < end; both whole minutes in UTC."""
        found, moment = [], start
        previous = (start - MINUTE).astimezone(zone).replace(tzinfo=None)
        while moment < end:
            local = moment.astimezone(zone)
            wall = local.replace(tzinfo=None, fold=0)
            if self._fires(wall, previous, repeated=local.fold == 1):
                found.append(moment)
            previous, moment = wall, moment + MINUTE
        return found

    def _fires(self, wall: datetime, previous: datetime, *, repeated: bool) -> bool:
        if self.wildcard:
            return self.matches(wall)
        if self.matches(wall) and not repeated:
            return True
        jump = wall - previous - MINUTE
        if not timedelta() < jump < timedelta(hours=3):
            return False
        skipped = (previous + MINUTE * n for n in range(1, int(jump / MINUTE) + 1))
        return any(self.matches(missing) for missing in skipped)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)

"""Between the choices of the schedule builder and the fields of a schedule, both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Cron counts Sunday as 0.
CRON_DAY = {"sun": "0", "mon": "1", "tue": "2", "wed": "3", "thu": "4", "fri": "5", "sat": "6"}
DAY_OF_CRON = (
    {number: name for name, number in CRON_DAY.items()}
    | {"7": "sun"}
    | {name: name for name in WEEKDAYS}
)
UNITS = ("seconds", "minutes", "hours", "days", "weeks")
_ABSOLUTE = {"seconds": 1, "minutes": 60, "hours": 3600}
_CALENDAR = {"days": 1, "weeks": 7}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A cron expression that the builder can show without its Advanced panel."""

    kind: str
    at: time
    days: tuple[str, ...] = ()
    day_of_month: int = 0


def daily(at: time) -> str:
    return f"{at.minute} {at.hour} * * *"


def weekdays(at: time) -> str:
    return f"{at.minute} {at.hour} * * 1-5"


def weekly(days: Sequence[str], at: time) -> str:
    chosen = ",".join(sorted(CRON_DAY[day] for day in days))
    return f"{at.minute} {at.hour} * * {chosen}"


def monthly(day_of_month: int, at: time) -> str:
    return f"{at.minute} {at.hour} {day_of_month} * *"


_SIMPLE = re.compile(r"(\d{1,2}) (\d{1,2}) (\S+) \* (\S+)")


def read(expression: str) -> Pattern | None:
    """The builder's choice that an expression stands for, if there is one."""
    found = _SIMPLE.fullmatch(" ".join(expression.lower().split()))
    if not found or int(found[1]) > 59 or int(found[2]) > 23:
        return None
    at, month_day, week_day = time(int(found[2]), int(found[1])), found[3], found[4]
    if month_day == "*":
        return _by_weekday(at, week_day)
    if week_day == "*" and month_day.isdigit() and 1 <= int(month_day) <= 31:
        return Pattern("monthly", at, day_of_month=int(month_day))
    return None


def _by_weekday(at: time, field: str) -> Pattern | None:
    if field == "*":
        return Pattern("daily", at)
    if field in {"1-5", "mon-fri"}:
        return Pattern("weekdays", at)
    names = [DAY_OF_CRON.get(part) for part in field.split(",")]
    if None in names:
        return None
    return Pattern("weekly", at, days=tuple(day for day in WEEKDAYS if day in names))


def interval_choice(parts: Mapping[str, int]) -> tuple[int, str] | None:
    """One number and one unit for an interval's sum; None when it mixes clock and calendar."""
    absolute = sum(parts[unit] * size for unit, size in _ABSOLUTE.items())
    calendar = sum(parts[unit] * size for unit, size in _CALENDAR.items())
    if absolute and calendar:
        return None
    if calendar:
        return (calendar // 7, "weeks") if calendar % 7 == 0 else (calendar, "days")
    unit = next(u for u in ("hours", "minutes", "seconds") if absolute % _ABSOLUTE[u] == 0)
    return absolute // _ABSOLUTE[unit], unit

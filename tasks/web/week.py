"""How busy each hour of a usual week is, from the plans and the usual durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from tasks.models import Task
from tasks.services.load import starts_by_hour
from tasks.web import charts
from tasks.web.runs import Usual

HOURS, DAYS = 24, 7


@dataclass(frozen=True, slots=True)
class Cell:
    level: int
    minutes: int
    title: str


@dataclass(frozen=True, slots=True)
class Week:
    sentence: str
    rows: list[tuple[str, list[Cell]]]
    hours: list[tuple[str, bool]]


Grid = list[list[float]]


def read_week(
    tasks: Sequence[Task], usual: Mapping[int, Usual | None], now: datetime, zone: tzinfo
) -> Week:
    busy = [0.0] * (HOURS * DAYS)
    for task in tasks:
        found = usual.get(task.pk)
        minutes = (found.seconds if found else 60.0) / 60
        for schedule in task.schedules.all():
            if task.enabled and schedule.enabled:
                _spread(busy, starts_by_hour(schedule, now, zone), minutes)
    grid = [busy[day * HOURS : (day + 1) * HOURS] for day in range(DAYS)]
    top = max(60.0, *busy)
    rows = [
        (str(WEEKDAYS_ABBR[day]), [_cell(day, hour, grid[day][hour], top) for hour in range(HOURS)])
        for day in range(DAYS)
    ]
    hours = [(f"{hour:02}", hour % 6 == 0) for hour in range(HOURS)]
    return Week(_sentence(grid), rows, hours)


def _spread(busy: list[float], starts: Sequence[int], minutes: float) -> None:
    """A long run is busy in the hours after its start too, at most around the week once."""
    full, rest = divmod(min(minutes, 60.0 * len(busy)), 60)
    for hour, runs in enumerate(starts):
        if runs:
            for later in range(int(full)):
                busy[(hour + later) % len(busy)] += 60.0 * runs
            busy[(hour + int(full)) % len(busy)] += rest * runs


def _cell(day: int, hour: int, minutes: float, top: float) -> Cell:
    busy = round(minutes)
    title = _("%(day)s %(hour)s:00, busy for %(n)s min") % {
        "day": WEEKDAYS_ABBR[day],
        "hour": f"{hour:02}",
        "n": busy,
    }
    return Cell(charts.heat_level(60 * minutes / top), busy, title)


def _sentence(grid: Grid) -> str:
    hours = [(grid[day][hour], day, hour) for day in range(DAYS) for hour in range(HOURS)]
    busiest = max(hours)
    if busiest[0] < 1:
        return _("Nothing is planned. Any time is free.")
    quiet = min(range(HOURS), key=lambda hour: sum(grid[day][hour] for day in range(DAYS)))
    shape = _(
        "Busiest: %(day)s at %(busy)s:00. Quietest: around %(quiet)s:00, best for a new task."
    )
    return shape % {"day": WEEKDAYS[busiest[1]], "busy": f"{busiest[2]:02}", "quiet": f"{quiet:02}"}

"""How busy each hour of a usual week is, from the plans and the usual durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from tasks.models import Task
from tasks.web import charts, plan
from tasks.web.runs import Usual

HOURS, DAYS = 24, 7
WEEK = timedelta(days=DAYS)
# A task that runs every minute is busy all the time: a part of its week tells the rest.
MOST_RUNS = 400


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
    grid: Grid = [[0.0] * HOURS for _day in range(DAYS)]
    for task in tasks:
        found = usual.get(task.pk)
        _add(grid, plan.moments(task, now, now + WEEK, MOST_RUNS), found, now, zone)
    top = max(60.0, *(max(day) for day in grid))
    rows = [
        (str(WEEKDAYS_ABBR[day]), [_cell(day, hour, grid[day][hour], top) for hour in range(HOURS)])
        for day in range(DAYS)
    ]
    hours = [(f"{hour:02}", hour % 6 == 0) for hour in range(HOURS)]
    return Week(_sentence(grid), rows, hours)


def _add(
    grid: Grid, moments: list[datetime], usual: Usual | None, now: datetime, zone: tzinfo
) -> None:
    minutes = (usual.seconds if usual else 60.0) / 60
    # Where the plan was cut short, what is known stands for the whole week.
    covered = (moments[-1] - now) if len(moments) == MOST_RUNS else WEEK
    weight = WEEK / covered if covered else 1.0
    if weight > 1.01:
        share = len(moments) * minutes * weight / (HOURS * DAYS)
        for day in grid:
            day[:] = [value + share for value in day]
        return
    for moment in moments:
        _spread(grid, moment.astimezone(zone), minutes)


def _spread(grid: Grid, start: datetime, minutes: float) -> None:
    """A long run is busy in each hour that it touches."""
    here = start
    while minutes > 0:
        part = min(minutes, 60 - here.minute)
        grid[here.weekday()][here.hour] += part
        minutes -= part
        here = here.replace(minute=0) + timedelta(hours=1)


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

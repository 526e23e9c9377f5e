"""How busy each hour of a usual week is, from the plans and the usual durations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from itertools import accumulate

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tasks.models import Schedule
from tasks.services.baseline import Baseline
from tasks.services.load import starts_by_hour
from tasks.web import charts

HOURS, DAYS = 24, 7


@dataclass(frozen=True, slots=True)
class Week:
    sentence: str
    rows: SafeString
    hours: list[tuple[str, bool]]


Grid = list[list[float]]


def read_week(
    schedules: Iterable[Schedule],
    usual: Mapping[int, Baseline | None],
    now: datetime,
    zone: tzinfo,
) -> Week:
    """Of the schedules that are on."""
    each = (_busy_hours(schedule, usual.get(schedule.task_id), now, zone) for schedule in schedules)
    busy = [sum(hour) for hour in zip([0.0] * (HOURS * DAYS), *each, strict=True)]
    grid = [busy[day * HOURS : (day + 1) * HOURS] for day in range(DAYS)]
    hours = [(f"{hour:02}", hour % 6 == 0) for hour in range(HOURS)]
    return Week(_sentence(grid), _table(grid), hours)


def _busy_hours(
    schedule: Schedule, usual: Baseline | None, now: datetime, zone: tzinfo
) -> Sequence[float]:
    minutes = (usual.seconds if usual else 60.0) / 60
    return spread(starts_by_hour(schedule, now, zone), minutes)


def spread(starts: Sequence[int], minutes: float) -> list[float]:
    """Busy minutes in each hour. A long run is busy in the hours after its start too, at most
    around the week once."""
    full, rest = divmod(min(minutes, 60.0 * len(starts)), 60)
    whole, length = int(full), len(starts)
    if not whole:
        return [rest * runs for runs in starts]
    before = [0, *accumulate((*starts, *starts))]
    return [
        60.0 * (before[now + 1] - before[now + 1 - whole]) + rest * starts[now - whole - length]
        for now in range(length, 2 * length)
    ]


def _table(grid: Grid) -> SafeString:
    """A row for each day, a cell for each hour: a template takes ten times as long for it."""
    top = max(60.0, *(minutes for day in grid for minutes in day))
    shape = escape(_("%(day)s %(hour)s:00, busy for %(n)s min"))
    return SafeString("".join(_row(day, minutes, top, shape) for day, minutes in enumerate(grid)))


def _row(day: int, hours: Sequence[float], top: float, shape: str) -> str:
    name, cells = escape(str(WEEKDAYS_ABBR[day])), []
    for hour, minutes in enumerate(hours):
        level, busy = charts.heat_level(60 * minutes / top), round(minutes)
        title = shape % {"day": name, "hour": f"{hour:02}", "n": busy}
        cells.append(f'<td class="h{level}" title="{title}"><span class="sp-vh">{busy}</span></td>')
    return f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>'


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

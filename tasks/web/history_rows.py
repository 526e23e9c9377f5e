"""The rows of the run history in words."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TypedDict

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tasks.models import Run
from tasks.services.explaining import reason_line
from tasks.web import marks, runs
from tasks.web.actions import UrlOfRun
from tasks.web.states import Look
from tasks.web.when import Clock

BY = {
    Run.Trigger.SCHEDULE: _("Schedule"),
    Run.Trigger.RETRY: _("A retry"),
    Run.Trigger.CHAIN: _("The task before it"),
    Run.Trigger.STARTUP: _("The scheduler's start"),
}


class Row(TypedDict):
    run: Run
    url: str
    name: str
    pill: SafeString
    why: str
    planned: str
    ago: str
    took: str
    items: str
    by: str


def started_by(run: Run) -> str:
    fixed = BY.get(Run.Trigger(run.trigger))
    return str(fixed or run.requested_by or run.get_trigger_display())


def _runs(number: int) -> str:
    shown = number_format(number, force_grouping=True)
    return ngettext("%(n)s run", "%(n)s runs", number) % {"n": shown}


def rows(found: list[Run], now: datetime, zone: tzinfo) -> list[Row]:
    clock, url_of = Clock(now, zone), UrlOfRun()
    pills: dict[Look, SafeString] = {}
    return [_row(run, clock, url_of, pills) for run in found]


def _row(run: Run, clock: Clock, url_of: UrlOfRun, pills: dict[Look, SafeString]) -> Row:
    look, taken = runs.look(run), runs.seconds_taken(run, clock.now)
    if look not in pills:
        pills[look] = marks.pill(look)
    return Row(
        run=run,
        url=url_of(run),
        name=run.task_name,
        pill=pills[look],
        why=reason_line(run, clock.zone),
        planned=clock.span(run.at, run.scheduled_until),
        ago=_runs(run.slots) if run.slots > 1 else clock.relative(run.at),
        took=clock.duration(taken) if taken is not None else "",
        items=number_format(run.items, force_grouping=True),
        by=started_by(run),
    )

"""How far a run is, compared with a usual one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Run
from tasks.outcomes.durations import duration
from tasks.services.baseline import Baseline
from tasks.web import runs, when
from tasks.web.states import Look


@dataclass(frozen=True, slots=True)
class Progress:
    run: Run
    look: Look
    word: str
    percent: int | None
    done: str
    time: str
    left: str


def progress_of(run: Run, usual: Baseline | None, now: datetime) -> Progress:
    taken = runs.seconds_taken(run, now) or 0.0
    waiting = run.status == Run.Status.QUEUED
    return Progress(
        run=run,
        look=runs.look(run),
        word=_("Stopping") if run.is_stopping else "",
        percent=None if waiting else percent_of(run, usual, taken),
        done=_("Starts when a place is free.") if waiting else _done(run, usual),
        time="" if waiting else duration(taken),
        left="" if waiting else time_left(usual, taken),
    )


def percent_of(run: Run, usual: Baseline | None, taken: float) -> int | None:
    """By items where the task has any, else by time; never the whole before the end."""
    if usual is None or (usual.items < 1 and usual.seconds < 1):
        return None
    share = run.items / usual.items if usual.items >= 1 else taken / usual.seconds
    return min(99, round(100 * share))


def time_left(usual: Baseline | None, taken: float) -> str:
    if usual is None or usual.seconds <= taken:
        return ""
    return _("about %(time)s left") % {"time": when.coarse(usual.seconds - taken)}


def _done(run: Run, usual: Baseline | None) -> str:
    items = number_format(run.items, force_grouping=True)
    if usual is None or usual.items < 1:
        return ngettext("%(n)s item so far", "%(n)s items so far", run.items) % {"n": items}
    about = number_format(round(usual.items), force_grouping=True)
    return _("%(n)s of about %(usual)s items") % {"n": items, "usual": about}

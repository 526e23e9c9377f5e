"""The one sentence that a run's page opens with."""

from __future__ import annotations

from datetime import datetime, tzinfo

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Run
from tasks.outcomes.durations import duration
from tasks.services.status import starts_lack
from tasks.web import runs, states, when
from tasks.web.states import Look


def counted_items(n: int) -> str:
    return ngettext("%(n)s item", "%(n)s items", n) % {"n": number_format(n, force_grouping=True)}


def _in_one_line(words: str) -> str:
    """A number that stands at the end of a line, without its unit, is read as something else."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def verdict(run: Run, now: datetime) -> str:
    look = runs.look(run)
    values = {
        "items": counted_items(run.items) if run.items else _("no items"),
        "time": _in_one_line(duration(runs.seconds_taken(run, now) or 0)),
    }
    if run.is_stopping:
        return _("Stopping: %(items)s so far") % values
    return _shape(run, look, now) % values + _failed_pages(run, look)


def _shape(run: Run, look: Look, now: datetime) -> str:
    if run.status == Run.Status.STARTING:
        return _("Starting")
    if run.started_at is None and look in {states.STOPPED, states.FAILED, states.LOST}:
        return _("Stopped before it started") if look is states.STOPPED else _never_started(look)
    shapes = {
        states.WAITING: _waiting(run, now) if look is states.WAITING else "",
        states.RUNNING: _("Running: %(items)s so far"),
        states.FINISHED: _("Finished: %(items)s in %(time)s"),
        states.NEEDS_LOOK: _("Needs a look: %(items)s in %(time)s"),
        states.FAILED: _("Failed after %(time)s: %(items)s collected"),
        states.TOOK_TOO_LONG: _("Took too long: stopped after %(time)s with %(items)s"),
        states.LOST: _("Lost contact after %(time)s: %(items)s saved"),
        states.STOPPED: _("Stopped after %(time)s: %(items)s collected"),
        states.SKIPPED: _skipped(run),
        states.MISSED: _missed(run),
    }
    return shapes[look]


def _waiting(run: Run, now: datetime) -> str:
    if _is_later(run, now):
        return _("Waiting until its time")
    lacking = {
        "scheduler": _("Waiting until the scheduler runs"),
        "disk": _("Waiting for room on the disk"),
    }
    return lacking.get(starts_lack(), _("Waiting for a free place"))


def _is_later(run: Run, now: datetime) -> bool:
    return run.not_before is not None and run.not_before > now


def _never_started(look: Look) -> str:
    return _("Failed to start") if look is states.FAILED else _("Lost contact before it started")


def _skipped(run: Run) -> str:
    if run.slots == 1:
        return _("Skipped: this run did not start")
    return _("Skipped: %(n)s runs did not start") % {
        "n": number_format(run.slots, force_grouping=True)
    }


def _missed(run: Run) -> str:
    if run.slots == 1:
        return _("Missed: this run did not happen")
    return _("Missed: %(n)s runs did not happen") % {
        "n": number_format(run.slots, force_grouping=True)
    }


def _failed_pages(run: Run, look: Look) -> str:
    if not run.errors or look not in {states.FINISHED, states.NEEDS_LOOK}:
        return ""
    return ngettext(", %(n)s error", ", %(n)s errors", run.errors) % {"n": run.errors}


def started_sentence(run: Run, now: datetime, zone: tzinfo) -> str:
    """ "Today 10:00 Stockholm time, started by the schedule"."""
    span = when.Clock(now, zone).span(run.at, run.scheduled_until)
    moment = f"{span} {when.zone_label(zone)}"
    return f"{moment}, {_by(run)}"


def _by(run: Run) -> str:
    name = run.requested_by
    by_trigger = {
        Run.Trigger.MANUAL: _("started by %(name)s"),
        Run.Trigger.API: _("started by %(name)s through the API"),
        Run.Trigger.DISCORD: _("started by %(name)s on Discord"),
        Run.Trigger.TEST: _("a test run by %(name)s"),
        Run.Trigger.BACKFILL: _("made up for by %(name)s"),
        Run.Trigger.RETRY: _("try %(attempt)s of the same run"),
        Run.Trigger.CHAIN: _("started after another task"),
        Run.Trigger.STARTUP: _("started with the scheduler"),
        Run.Trigger.SCHEDULE: _("started by the schedule"),
    }
    if run.status in {Run.Status.MISSED, Run.Status.SKIPPED}:
        return _("planned by the schedule")
    return by_trigger[Run.Trigger(run.trigger)] % {"name": name, "attempt": run.attempt}

"""The next runs of a schedule for a person: local times, and what the clock change does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from tasks import cron, zones
from tasks.describe import time_words
from tasks.slots import CRON, INTERVAL, Timing

# A note about "the first run after" is for schedules that run about daily or less.
_RARE = timedelta(hours=20)


@dataclass(frozen=True)
class Upcoming:
    """`at` is in the schedule's zone; `code` is "" where there is nothing to say."""

    at: datetime
    code: str = ""
    note: str = ""


def upcoming(
    timing: Timing, *, after: datetime, number: int = 5, clock24: bool = True
) -> list[Upcoming]:
    before = timing.previous_time(after)
    found = []
    for moment in timing.next_times(after, number):
        code, note = _note(timing, moment, before, clock24)
        found.append(Upcoming(moment.astimezone(timing.zone), code, note))
        before = moment
    return found


def _note(
    timing: Timing, moment: datetime, before: datetime | None, clock24: bool
) -> tuple[str, str]:
    if timing.kind not in {CRON, INTERVAL}:
        return "", ""
    change = _change_at(timing, moment)
    if change is not None:
        return "gap", _gap_note(timing, change, clock24)
    if _is_repeated(timing, moment):
        return _repeat_note(timing, moment, clock24)
    return _first_after_note(timing, moment, before, clock24)


def _is_fixed(timing: Timing) -> bool:
    if timing.kind == CRON:
        return not cron.parse(timing.cron).wildcard
    return not timing.within_a_day


def _change_at(timing: Timing, moment: datetime) -> zones.Change | None:
    """The gap at whose end this run makes up for a time that does not exist."""
    if not _is_fixed(timing):
        return None
    tiny = timedelta(microseconds=1)
    change = next(zones.changes(timing.zone, moment - tiny, moment), None)
    made_up = change is not None and change.jump > timedelta() and _missing(timing, change)
    return change if made_up else None


def _missing(timing: Timing, change: zones.Change) -> list[datetime]:
    """The wall-clock times of the schedule that lie inside the gap."""
    if timing.kind == INTERVAL:
        start = timing.counts_from.astimezone(timing.zone)
        wall = change.local_from.replace(
            hour=start.hour, minute=start.minute, second=start.second, microsecond=0
        )
        return [wall] if change.local_from <= wall < change.local_to else []
    pattern = cron.parse(timing.cron)
    steps = range(int((change.local_to - change.local_from) / timedelta(minutes=1)))
    walls = (change.local_from + timedelta(minutes=step) for step in steps)
    return [wall for wall in walls if pattern.matches(wall)]


def _gap_note(timing: Timing, change: zones.Change, clock24: bool) -> str:
    missing = _missing(timing, change)[0]
    return _(
        "The clocks go forward: %(missing)s does not exist that night, so it runs at %(time)s."
    ) % {
        "missing": time_words(missing.hour, missing.minute, clock24=clock24),
        "time": time_words(change.local_to.hour, change.local_to.minute, clock24=clock24),
    }


def _is_repeated(timing: Timing, moment: datetime) -> bool:
    local = moment.astimezone(timing.zone)
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def _repeat_note(timing: Timing, moment: datetime, clock24: bool) -> tuple[str, str]:
    local = moment.astimezone(timing.zone)
    values = {"time": time_words(local.hour, local.minute, clock24=clock24)}
    if _is_fixed(timing):
        return "repeated", _(
            "The clocks go back: %(time)s comes twice that night. It runs once, the first time."
        ) % values
    if local.fold:
        return "second_pass", _(
            "The clocks go back: this is the second %(time)s of that night."
        ) % values
    return "first_pass", _("The clocks go back: this is the first %(time)s of that night.") % values


def _first_after_note(
    timing: Timing, moment: datetime, before: datetime | None, clock24: bool
) -> tuple[str, str]:
    if before is None or moment - before < _RARE:
        return "", ""
    change = next(zones.changes_backwards(timing.zone, before, moment), None)
    if change is None or change.jump == timedelta():
        return "", ""
    local, earlier = moment.astimezone(timing.zone), before.astimezone(timing.zone)
    forward = change.jump > timedelta()
    values = {"time": time_words(local.hour, local.minute, clock24=clock24)}
    if (local.hour, local.minute) == (earlier.hour, earlier.minute):
        text = (
            _("First run after the clocks go forward. Still %(time)s on the wall clock.")
            if forward
            else _("First run after the clocks go back. Still %(time)s on the wall clock.")
        )
        return "same_wall_time", text % values
    if timing.kind == INTERVAL:
        text = (
            _("First run after the clocks go forward. Now %(time)s on the wall clock.")
            if forward
            else _("First run after the clocks go back. Now %(time)s on the wall clock.")
        )
        return "other_wall_time", text % values
    return "", ""

"""What a person may write into a schedule, and the words when it can't be."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import NoReturn

from django.utils.translation import gettext as _

from tasks import cron, zones
from tasks.describe import amount, moment_words
from tasks.slots import CRON, INTERVAL, KINDS, ONCE, UNITS, Slots, Timing, due_at, jitter_delay

__all__ = ["Slots", "Timing", "TimingError", "due_at", "jitter_delay", "validate"]

MAX_JITTER = 86_400
MAX_PERIOD = timedelta(days=3660)
_UNIT_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}


class TimingError(ValueError):
    """`field` is the field of Schedule that is wrong."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def validate(timing: Timing, *, min_interval: int, now: datetime | None = None) -> None:
    """Raises TimingError. With `now`, also refuses what could not run any more."""
    if timing.kind not in KINDS:
        _refuse("kind", _("Choose one of: %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    _check_zone(timing)
    if timing.kind == CRON:
        _check_cron(timing, min_interval)
    elif timing.kind == INTERVAL:
        _check_interval(timing, min_interval)
    elif timing.kind == ONCE and timing.run_at is None:
        _refuse("run_at", _("Choose the day and time."))
    _check_bounds(timing)
    if now is not None:
        _check_future(timing, now)


def _refuse(field: str, message: str) -> NoReturn:
    raise TimingError(message, field=field)


def _check_zone(timing: Timing) -> None:
    try:
        zones.load_zone(timing.timezone)
    except ValueError:
        message = _("%(name)s is not a time zone. Example: Europe/Stockholm.")
        _refuse("timezone", message % {"name": str(timing.timezone)[:64]})


def _check_cron(timing: Timing, min_interval: int) -> None:
    try:
        pattern = cron.parse(timing.cron)
    except cron.CronError as error:
        raise TimingError(str(error), field="cron") from error
    gap = smallest_gap(pattern)
    if gap < min_interval:
        _refuse("cron", _too_often("minutes", gap // 60, min_interval))


def smallest_gap(pattern: cron.Pattern) -> int:
    """Seconds between the two closest times of one day."""
    times = [60 * hour + minute for hour in pattern.hours for minute in pattern.minutes]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return 60 * min(gaps, default=24 * 60)


def _check_interval(timing: Timing, min_interval: int) -> None:
    for unit in UNITS:
        _check_whole(unit, getattr(timing, unit), MAX_PERIOD // timedelta(**{unit: 1}))
    used = [unit for unit in UNITS if getattr(timing, unit)]
    if not used:
        _refuse("minutes", _("Say how often: a number of minutes, hours, days or weeks."))
    if timing.period > MAX_PERIOD:
        _refuse(used[0], _("That is more than ten years. Choose less."))
    if timing.period.total_seconds() < min_interval:
        unit = used[-1]
        number = int(timing.period.total_seconds()) // _UNIT_SECONDS[unit]
        _refuse(unit, _too_often(unit, number, min_interval))


def _check_whole(field: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        _refuse(field, _("Write a whole number from 0 to %(most)d.") % {"most": most})


def _too_often(unit: str, number: int, least: int) -> str:
    same_unit = least % _UNIT_SECONDS[unit] == 0
    allowed_unit = unit if same_unit else next(u for u in UNITS if least % _UNIT_SECONDS[u] == 0)
    allowed = least // _UNIT_SECONDS[allowed_unit]
    message = _(
        "%(chosen)s is more often than the %(allowed)s your administrator allows."
        " Choose %(least)s or more."
    )
    return message % {
        "chosen": amount(**{unit: number}),
        "allowed": amount(**{allowed_unit: allowed}),
        "least": allowed if same_unit else amount(**{allowed_unit: allowed}),
    }


def _check_bounds(timing: Timing) -> None:
    _check_whole("jitter", timing.jitter, MAX_JITTER)
    if timing.start_at and timing.end_at and timing.end_at <= timing.start_at:
        _refuse("end_at", _("The end comes before the start. Choose a later end."))


def _check_future(timing: Timing, now: datetime) -> None:
    if timing.kind == ONCE and timing.run_at is not None and timing.run_at <= now:
        message = _("That moment has already passed: %(moment)s. Pick a later day or time.")
        words = moment_words(timing.run_at.astimezone(timing.zone))
        _refuse("run_at", message % {"moment": words})
    if timing.end_at is not None and timing.end_at <= now:
        _refuse("end_at", _("The end has already passed. Choose a later one, or none."))
    if timing.is_timed and timing.next_time(now) is None:
        field = "run_at" if timing.kind == ONCE else "end_at" if timing.end_at else "cron"
        _refuse(field, _("Between its start and its end this never runs."))

"""A schedule in plain words. What has no short name gets a sentence that lists its values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from tasks import cron
from tasks.slots import AFTER, CRON, INTERVAL, ONCE, STARTUP, Timing

# Up to this many times of day are listed one by one.
_LISTED = 6
_EVERY_HOUR, _EVERY_MINUTE = tuple(range(24)), tuple(range(60))
_WORKDAYS, _WEEKEND = frozenset(range(1, 6)), frozenset({0, 6})


def describe(
    timing: Timing,
    *,
    after: str = "",
    after_on: str = "success",
    delay: int = 0,
    clock24: bool = True,
) -> str:
    """`after`, `after_on` and `delay` (seconds) are of a follow-up: which task it follows."""
    if timing.kind == AFTER:
        return _after(after, after_on, delay)
    try:
        return _own_time(timing, clock24) + _bounds(timing, clock24)
    except ValueError:  # a row that was written past the services: a page must still show it
        return timing.cron or timing.kind


def _own_time(timing: Timing, clock24: bool) -> str:
    if timing.kind == CRON:
        return describe_cron(timing.cron, clock24=clock24)
    if timing.kind == INTERVAL:
        return _interval(timing, clock24)
    if timing.kind == ONCE:
        return _once(timing, clock24)
    return _("When the scheduler starts") if timing.kind == STARTUP else timing.kind


def describe_cron(expression: str, *, clock24: bool = True) -> str:
    """Raises CronError."""
    pattern = cron.parse(expression)
    days = _days(pattern)
    rhythm = _rhythm(pattern, clock24)
    if rhythm and not days:
        return rhythm
    if rhythm:
        return _("%(days)s: %(rhythm)s") % {
            "days": days,
            "rhythm": rhythm[:1].lower() + rhythm[1:],
        }
    return _("%(days)s at %(times)s") % {
        "days": days or _("Every day"),
        "times": _times(pattern, clock24),
    }


def zone_words(name: str) -> str:
    """ "Stockholm time" for Europe/Stockholm."""
    city = name.rsplit("/", 1)[-1].replace("_", " ")
    return _("%(city)s time") % {"city": city} if "/" in name else name


def time_words(hour: int, minute: int, *, clock24: bool = True) -> str:
    if clock24:
        return f"{hour:02}:{minute:02}"
    half = _("am") if hour < 12 else _("pm")
    return f"{hour % 12 or 12}:{minute:02} {half}"


def moment_words(moment: datetime, *, clock24: bool = True) -> str:
    """On the wall clock that `moment` carries."""
    return _("%(day)d %(month)s %(year)d at %(time)s") % {
        "day": moment.day,
        "month": MONTHS[moment.month],
        "year": moment.year,
        "time": time_words(moment.hour, moment.minute, clock24=clock24),
    }


def amount(
    *, weeks: int = 0, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0
) -> str:
    parts = [
        weeks and ngettext("%(n)d week", "%(n)d weeks", weeks) % {"n": weeks},
        days and ngettext("%(n)d day", "%(n)d days", days) % {"n": days},
        hours and ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours},
        minutes and ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes},
        seconds and ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds},
    ]
    return listing(part for part in parts if part)


def listing(words: Iterable[str]) -> str:
    *rest, last = words
    return _("%(items)s and %(last)s") % {"items": ", ".join(rest), "last": last} if rest else last


# --- cron: times of day ---------------------------------------------------------------------


def _rhythm(pattern: cron.Pattern, clock24: bool) -> str:
    """The times of day as "Every …", or nothing if they are better listed."""
    step, span = _step(pattern.minutes, 60), _span(pattern, clock24)
    whole_day = pattern.hours == _EVERY_HOUR
    if step and step < 60 and (whole_day or span):
        every = _every_minutes(step)
        return every if whole_day else _between(every, span)
    if len(pattern.minutes) > 1 and whole_day:
        return _past_the_hour(pattern.minutes)
    if len(pattern.minutes) == 1:
        return _hourly(pattern, clock24, span)
    return ""


def _step(values: Sequence[int], size: int) -> int:
    """The step of values that divide the whole hour or day evenly from its start, else 0."""
    step = size // len(values)
    return step if tuple(values) == tuple(range(0, size, step)) and size % step == 0 else 0


def _every_minutes(step: int) -> str:
    return ngettext("Every minute", "Every %(n)d minutes", step) % {"n": step}


def _every_hours(step: int) -> str:
    return ngettext("Every hour", "Every %(n)d hours", step) % {"n": step}


def _between(every: str, span: str) -> str:
    return _("%(every)s %(span)s") % {"every": every, "span": span}


def _span(pattern: cron.Pattern, clock24: bool) -> str:
    hours = pattern.hours
    if hours != tuple(range(hours[0], hours[-1] + 1)):
        return ""
    return _from_to((hours[0], pattern.minutes[0]), (hours[-1], pattern.minutes[-1]), clock24)


def _from_to(first: tuple[int, int], last: tuple[int, int], clock24: bool) -> str:
    return _("from %(first)s to %(last)s") % {
        "first": time_words(*first, clock24=clock24),
        "last": time_words(*last, clock24=clock24),
    }


def _past_the_hour(minutes: Sequence[int]) -> str:
    if tuple(minutes) == (0,):
        return _("Every hour")
    words = ngettext(
        "Every hour at %(minutes)s minute past",
        "Every hour at %(minutes)s minutes past",
        minutes[-1],
    )
    return words % {"minutes": listing(str(minute) for minute in minutes)}


def _hourly(pattern: cron.Pattern, clock24: bool, span: str) -> str:
    hours, minute = pattern.hours, pattern.minutes[0]
    if hours == _EVERY_HOUR:
        return _past_the_hour(pattern.minutes)
    step = _step(hours, 24)
    if minute == 0 and step and len(hours) > 2:
        return _every_hours(step)
    steps = {later - earlier for earlier, later in itertools.pairwise(hours)}
    if len(steps) == 1 and len(hours) > 3:
        to = span or _from_to((hours[0], minute), (hours[-1], minute), clock24)
        return _between(_every_hours(steps.pop()), to)
    return ""


def _times(pattern: cron.Pattern, clock24: bool) -> str:
    if pattern.per_day <= _LISTED:
        times = [(hour, minute) for hour in pattern.hours for minute in pattern.minutes]
        return listing(time_words(*time, clock24=clock24) for time in times)
    return _("minutes %(minutes)s of the hours %(hours)s") % {
        "minutes": _numbers(pattern.minutes),
        "hours": listing(time_words(hour, 0, clock24=clock24) for hour in pattern.hours),
    }


def _numbers(values: Sequence[int]) -> str:
    if len(values) > 3 and tuple(values) == tuple(range(values[0], values[-1] + 1)):
        return _("%(first)d to %(last)d") % {"first": values[0], "last": values[-1]}
    return listing(str(value) for value in values)


# --- cron: days -----------------------------------------------------------------------------


def _days(pattern: cron.Pattern) -> str:
    """Which days, or nothing if it is every day."""
    all_dates, all_weekdays = len(pattern.days) == 31, len(pattern.weekdays) == 7
    if pattern.either and (all_dates or all_weekdays):
        all_dates = all_weekdays = True
    if all_dates and all_weekdays:
        return _every_day(pattern)
    if all_dates:
        return _in_months(_weekdays(pattern.weekdays), pattern)
    if all_weekdays:
        return _dates(pattern)
    return _dates_and_weekdays(pattern)


def _every_day(pattern: cron.Pattern) -> str:
    return _in_months(_("Every day"), pattern) if len(pattern.months) < 12 else ""


def _in_months(days: str, pattern: cron.Pattern) -> str:
    if len(pattern.months) == 12:
        return days
    return _("%(days)s in %(months)s") % {"days": days, "months": _months(pattern)}


def _months(pattern: cron.Pattern) -> str:
    months = sorted(pattern.months)
    if len(months) > 3 and months == list(range(months[0], months[-1] + 1)):
        return _("%(first)s to %(last)s") % {
            "first": MONTHS[months[0]],
            "last": MONTHS[months[-1]],
        }
    return listing(str(MONTHS[month]) for month in months)


def _dates(pattern: cron.Pattern) -> str:
    month = _("every month") if len(pattern.months) == 12 else _months(pattern)
    return _("%(dates)s of %(months)s") % {
        "dates": listing(ordinal(day) for day in sorted(pattern.days)),
        "months": month,
    }


def _dates_and_weekdays(pattern: cron.Pattern) -> str:
    weekdays = _weekdays(pattern.weekdays)
    if pattern.either:
        values = {"dates": _dates(pattern), "weekdays": _in_months(weekdays, pattern)}
        return _("%(dates)s, and %(weekdays)s") % values
    dates = listing(ordinal(day) for day in sorted(pattern.days))
    text = _("%(weekdays)s that are the %(dates)s of the month")
    return _in_months(text % {"weekdays": weekdays, "dates": dates}, pattern)


def _weekdays(days: frozenset[int]) -> str:
    if days == _WORKDAYS:
        return _("Weekdays")
    if days == _WEEKEND:
        return _("Weekends")
    return listing(weekday(day) for day in sorted(days, key=lambda day: day or 7))


def weekday(day: int) -> str:
    """Cron's number in the plural, as in "Mondays at 06:00"."""
    return (
        _("Sundays"),
        _("Mondays"),
        _("Tuesdays"),
        _("Wednesdays"),
        _("Thursdays"),
        _("Fridays"),
        _("Saturdays"),
    )[day % 7]


def ordinal(day: int) -> str:
    special = {
        1: pgettext("day of month", "1st"),
        2: pgettext("day of month", "2nd"),
        3: pgettext("day of month", "3rd"),
        21: pgettext("day of month", "21st"),
        22: pgettext("day of month", "22nd"),
        23: pgettext("day of month", "23rd"),
        31: pgettext("day of month", "31st"),
    }
    return special.get(day) or pgettext("day of month", "%(n)dth") % {"n": day}


# --- other kinds ----------------------------------------------------------------------------


def _interval(timing: Timing, clock24: bool) -> str:
    units = {name: getattr(timing, name) for name in ("weeks", "days", "hours", "minutes")}
    units["seconds"] = timing.seconds
    if timing.seconds and timing.seconds % 60 == 0 and not any(list(units.values())[:-1]):
        units |= _larger(timing.seconds)
    used = [name for name, number in units.items() if number]
    if len(used) != 1:
        return _("Every %(amount)s") % {"amount": amount(**units)}
    every = _every(used[0], units[used[0]])
    if timing.within_a_day or (timing.anchor is None and timing.start_at is None):
        return every
    start = timing.counts_from.astimezone(timing.zone)
    values = {
        "every": every,
        "weekday": weekday(start.isoweekday()),
        "time": time_words(start.hour, start.minute, clock24=clock24),
    }
    if timing.whole_days % 7:
        return _("%(every)s at %(time)s") % values
    return _("%(every)s, %(weekday)s at %(time)s") % values


def _larger(seconds: int) -> dict[str, int]:
    """90 minutes rather than 5400 seconds."""
    name, size = ("hours", 3600) if seconds % 3600 == 0 else ("minutes", 60)
    return {"seconds": 0, name: seconds // size}


def _every(unit: str, number: int) -> str:
    words = {
        "weeks": ngettext("Every week", "Every %(n)d weeks", number),
        "days": ngettext("Every day", "Every %(n)d days", number),
        "hours": ngettext("Every hour", "Every %(n)d hours", number),
        "minutes": ngettext("Every minute", "Every %(n)d minutes", number),
        "seconds": ngettext("Every second", "Every %(n)d seconds", number),
    }
    return words[unit] % {"n": number}


def _once(timing: Timing, clock24: bool) -> str:
    if timing.run_at is None:
        return _("Once")
    moment = moment_words(timing.run_at.astimezone(timing.zone), clock24=clock24)
    return _("Once on %(moment)s") % {"moment": moment}


def _after(task: str, after_on: str, delay: int) -> str:
    ends = {"success": _("finishes"), "failure": _("fails"), "either": _("ends either way")}
    values = {"task": task, "ends": ends.get(after_on, after_on)}
    if not delay:
        return _("After “%(task)s” %(ends)s") % values
    minutes, seconds = divmod(delay, 60)
    values["delay"] = amount(minutes=minutes, seconds=seconds)
    return _("%(delay)s after “%(task)s” %(ends)s") % values


def _bounds(timing: Timing, clock24: bool) -> str:
    text, zone = "", timing.zone
    if timing.start_at is not None:
        start = moment_words(timing.start_at.astimezone(zone), clock24=clock24)
        text += _(", from %(moment)s") % {"moment": start}
    if timing.end_at is not None:
        end = moment_words(timing.end_at.astimezone(zone), clock24=clock24)
        text += _(", until %(moment)s") % {"moment": end}
    return text

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE, HOUR, DAY = 60, 3600, 86400


def zone_label(zone: tzinfo) -> str:
    """ "Stockholm time" for Europe/Stockholm."""
    key = zone.key if isinstance(zone, ZoneInfo) else str(zone)
    if key in {"UTC", "Etc/UTC", "GMT"}:
        return _("UTC")
    return _("%(city)s time") % {"city": key.rsplit("/", 1)[-1].replace("_", " ")}


def day_label(day: date, today: date) -> str:
    named = {
        today: _("Today"),
        today + timedelta(days=1): _("Tomorrow"),
        today - timedelta(days=1): _("Yesterday"),
    }
    if day in named:
        return named[day]
    # Translators: a date like "Mon 30 Mar", in Django's date format letters.
    shape = _("D j M") if day.year == today.year else _("D j M Y")
    return date_format(datetime(day.year, day.month, day.day), shape)  # noqa: DTZ001 (a date)


def absolute(moment: datetime, now: datetime, zone: tzinfo) -> str:
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    label, clock = day_label(local.date(), today), date_format(local, "H:i")
    near = abs((local.date() - today).days) <= 1
    return f"{label} {clock}" if near else f"{label}, {clock}"


def clock_time(moment: datetime, zone: tzinfo) -> str:
    return date_format(moment.astimezone(zone), "H:i:s")


def full_date(moment: datetime, zone: tzinfo) -> str:
    """ "Tuesday 24 March, 10:24"."""
    return date_format(moment.astimezone(zone), _("l j F, H:i"))


def duration(seconds: float) -> str:
    """Two units at most: "3 min 12 s", "1 h 24 min", "5 days"."""
    total = max(0, round(seconds))
    if total < MINUTE:
        return _("%(n)s s") % {"n": total}
    if total < HOUR:
        return _two(_("%(n)s min"), total // MINUTE, _("%(n)s s"), total % MINUTE)
    if total < DAY:
        return _two(_("%(n)s h"), total // HOUR, _("%(n)s min"), total % HOUR // MINUTE)
    if total < 2 * DAY:
        return _two(_("%(n)s d"), total // DAY, _("%(n)s h"), total % DAY // HOUR)
    days = total // DAY
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def _two(first: str, a: int, second: str, b: int) -> str:
    return first % {"n": a} + (" " + second % {"n": b} if b else "")


def coarse(seconds: float) -> str:
    """A distance in time without seconds beyond the first minute."""
    whole_minutes = seconds >= MINUTE
    return duration(seconds // MINUTE * MINUTE if whole_minutes else seconds)


def relative(moment: datetime, now: datetime) -> str:
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return _("now")
    shape = _("in %(time)s") if seconds > 0 else _("%(time)s ago")
    return shape % {"time": coarse(abs(seconds))}

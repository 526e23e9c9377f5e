from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import npgettext

from tasks.outcomes.durations import duration
from tasks.zones import load_zone

MINUTE, HOUR, DAY = 60, 3600, 86400


def zone_of(name: str) -> ZoneInfo:
    """UTC for a name that was written past the services: the page says so, and opens."""
    try:
        return load_zone(name)
    except ValueError:
        return ZoneInfo("UTC")


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
    return Clock(now, zone).absolute(moment)


def clock_time(moment: datetime, zone: tzinfo) -> str:
    return date_format(moment.astimezone(zone), "H:i:s")


def full_date(moment: datetime, zone: tzinfo) -> str:
    """ "Tuesday 24 March, 10:24"."""
    return date_format(moment.astimezone(zone), _("l j F, H:i"))


def coarse(seconds: float) -> str:
    """A distance in time without seconds beyond the first minute."""
    return duration(_whole_minutes(seconds))


def _whole_minutes(seconds: float) -> float:
    return seconds // MINUTE * MINUTE if seconds >= MINUTE else seconds


def relative(moment: datetime, now: datetime) -> str:
    return Clock(now, UTC).relative(moment)


class Clock:
    """Puts the moments of one page into words. Looking up a translation takes longer than all
    the rest, and a page may name a thousand moments: each word is asked for once."""

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self.now, self.zone = now, zone
        self._today = now.astimezone(zone).date()
        self._days: dict[date, str] = {}
        self._lengths: dict[int, str] = {}
        self._shapes = {"now": _("now"), "ahead": _("in %(time)s"), "past": _("%(time)s ago")}

    def absolute(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{self._day(local.date())} {local.hour:02}:{local.minute:02}"

    def span(self, first: datetime, last: datetime | None) -> str:
        if last is None:
            return self.absolute(first)
        ends = {"first": self.absolute(first), "last": self.absolute(last)}
        return _("%(first)s to %(last)s") % ends

    def _day(self, day: date) -> str:
        if day not in self._days:
            near = abs((day - self._today).days) <= 1
            self._days[day] = day_label(day, self._today) + ("" if near else ",")
        return self._days[day]

    def relative(self, moment: datetime) -> str:
        seconds = (moment - self.now).total_seconds()
        if abs(seconds) < 1:
            return self._shapes["now"]
        time = self._distance(_whole_minutes(abs(seconds)))
        return self._shapes["ahead" if seconds > 0 else "past"] % {"time": time}

    def _distance(self, seconds: float) -> str:
        """As `duration`, in the form that days take after "in" and before "ago"."""
        days = round(seconds) // DAY
        if days < 2:
            return self.duration(seconds)
        if -days not in self._lengths:
            words = npgettext("after “in”", "%(n)s day", "%(n)s days", days)
            self._lengths[-days] = words % {"n": days}
        return self._lengths[-days]

    def duration(self, seconds: float) -> str:
        total = max(0, round(seconds))
        if total not in self._lengths:
            self._lengths[total] = duration(total)
        return self._lengths[total]

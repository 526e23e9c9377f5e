"""Holds and blackouts at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from tasks.models import Blackout, Hold

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Standstill:
    """The holds and blackouts that matter since some moment, read once for many questions."""

    holds: Sequence[Hold] = field(default_factory=list)
    blackouts: Sequence[Blackout] = field(default_factory=list)

    @classmethod
    def since(cls, moment: datetime) -> Standstill:
        later = Q(ends_at__isnull=True) | Q(ends_at__gt=moment)
        released = Q(released_at__isnull=True) | Q(released_at__gt=moment)
        holds = Hold.objects.filter(later, released)
        return cls(list(holds), list(Blackout.objects.filter(later, enabled=True)))

    def reason(
        self, task_pk: int, moment: datetime, until: datetime | None = None
    ) -> tuple[str, dict[str, Any]] | None:
        """Why nothing starts at this moment, or from it until another: a reason and what its
        sentence needs."""
        for hold in self.holds:
            if _holds(hold, moment) and (until is None or _holds(hold, until)):
                return "hold", {"message": hold.note, "by": hold.author}
        for blackout in self.blackouts:
            if blackout.task_id in {None, task_pk} and _covers(blackout, moment, until):
                return "blackout", {"message": blackout.name}
        return None


def _holds(hold: Hold, moment: datetime) -> bool:
    ends = [end for end in (hold.ends_at, hold.released_at) if end is not None]
    return hold.starts_at <= moment and all(moment < end for end in ends)


def _covers(blackout: Blackout, moment: datetime, until: datetime | None) -> bool:
    if until is None or not is_blacked_out(blackout, moment):
        return is_blacked_out(blackout, moment)
    if blackout.starts_at is not None:
        return is_blacked_out(blackout, until)
    return _covers_weekly(blackout, moment, until)


def _covers_weekly(blackout: Blackout, moment: datetime, until: datetime) -> bool:
    """One that holds at both ends need not hold between them. Times that touch are one, and seven
    of them are the whole week."""
    for _day in _WEEKDAYS:
        moment = _end_of_the_day(blackout, moment)
        if until < moment:
            return True
        if not is_blacked_out(blackout, moment):
            return False
    return True


def _end_of_the_day(blackout: Blackout, moment: datetime) -> datetime:
    """Until when a weekly one holds that holds at this moment."""
    zone, end = ZoneInfo(blackout.timezone), blackout.end_time or time()
    local = moment.astimezone(zone)
    day = local.date() if local.time() < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, zone)


def is_blacked_out(blackout: Blackout, moment: datetime) -> bool:
    if blackout.starts_at is not None and blackout.ends_at is not None:
        return blackout.starts_at <= moment < blackout.ends_at
    if blackout.start_time is None or blackout.end_time is None:
        return False
    local = moment.astimezone(ZoneInfo(blackout.timezone))
    time, today = local.time(), _WEEKDAYS[local.weekday()]
    if blackout.start_time < blackout.end_time:
        return today in blackout.weekdays and blackout.start_time <= time < blackout.end_time
    yesterday = _WEEKDAYS[(local - timedelta(days=1)).weekday()]
    evening = today in blackout.weekdays and time >= blackout.start_time
    return evening or (yesterday in blackout.weekdays and time < blackout.end_time)

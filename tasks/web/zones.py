from __future__ import annotations

from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


@cache
def zone_names() -> tuple[str, ...]:
    """The zones that people know by a city, and UTC; not the historic aliases."""
    areas = {
        "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
        "Pacific",
    }  # fmt: skip
    cities = (name for name in available_timezones() if name.split("/")[0] in areas)
    return ("UTC", *sorted(cities))


def zone_choices(current: str = "") -> list[tuple[str, str]]:
    names = zone_names() if not current or current in zone_names() else (current, *zone_names())
    return [(name, name.replace("_", " ")) for name in names]


def zone_of(user: AbstractBaseUser | AnonymousUser) -> tzinfo:
    """The zone in which a person reads times: their own, or the scheduler's."""
    profile = getattr(user, "profile", None)
    name = getattr(profile, "timezone", "") or settings.SCHEDULER_TIMEZONE
    return ZoneInfo(name)

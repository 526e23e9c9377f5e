"""From when to when nobody was there to start runs, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _

from tasks.zones import load_zone


def absence_words(detail: Mapping[str, Any], reader: tzinfo | None) -> dict[str, str]:
    """On the reader's clock; on the schedule's, with its name, where nobody knows who reads."""
    zone = reader or _zone_of(detail)
    try:
        ends = [datetime.fromisoformat(detail[key]).astimezone(zone) for key in ("since", "until")]
    except (KeyError, TypeError, ValueError):
        return {}
    shape = _shape(*ends)
    off_from, off_to = (date_format(end, shape) for end in ends)
    name = "" if reader else f" ({getattr(zone, 'key', zone)})"
    return {"off_from": off_from, "off_to": f"{off_to}{name}"}


def _shape(start: datetime, end: datetime) -> str:
    """With the days where there are two, and the years where there are two."""
    if start.date() == end.date():
        return "H:i"
    # Translators: a day and a time in the middle of a sentence, like "Mon 30 Mar, 06:00".
    return _("D j M, H:i") if start.year == end.year else _("D j M Y, H:i")


def _zone_of(detail: Mapping[str, Any]) -> ZoneInfo:
    try:
        return load_zone(str(detail["zone"]))
    except (KeyError, ValueError):
        return ZoneInfo("UTC")

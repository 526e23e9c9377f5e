"""Holds, blackouts and spreadings as JSON values, the same for every door."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks.models import Blackout, Hold
from tasks.services.spreading import Spread


def hold_info(hold: Hold | None) -> dict[str, Any] | None:
    if hold is None:
        return None
    return {
        "note": hold.note,
        "author": hold.author,
        "starts_at": hold.starts_at.isoformat(),
        "ends_at": _iso(hold.ends_at),
    }


def blackout_info(blackout: Blackout) -> dict[str, Any]:
    return {
        "id": blackout.pk,
        "name": blackout.name,
        "task_id": blackout.task.task_id if blackout.task else None,
        "starts_at": _iso(blackout.starts_at),
        "ends_at": _iso(blackout.ends_at),
        "weekdays": blackout.weekdays,
        "start_time": f"{blackout.start_time:%H:%M}" if blackout.start_time else None,
        "end_time": f"{blackout.end_time:%H:%M}" if blackout.end_time else None,
        "timezone": blackout.timezone,
        "enabled": blackout.enabled,
    }


def spread_info(spread: Spread) -> dict[str, Any]:
    return {
        "task_id": spread.task.task_id,
        "schedule": spread.schedule.key,
        "before": spread.before.isoformat(timespec="seconds"),
        "after": spread.after.isoformat(timespec="seconds"),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

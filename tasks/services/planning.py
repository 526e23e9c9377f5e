"""What becomes of a schedule's due slots: start, skip or miss. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tasks.models import Run, Task
from tasks.slots import Slots

Status = Run.Status
# So late a start still counts as on time: a locked database, a new leader.
ON_TIME = timedelta(seconds=60)
NEWEST = 100
Standstill = Callable[[datetime], tuple[str, dict[str, Any]] | None]


@dataclass(frozen=True, kw_only=True)
class Decision:
    slot: datetime
    status: str
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    slots: int = 1
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Why slots were missed, as far as the clock knows."""

    reason: str = "scheduler_down"
    since: datetime | None = None
    until: datetime | None = None

    def detail(self, zone: ZoneInfo) -> dict[str, Any]:
        if self.since is None or self.until is None:
            return {}
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "off_from": _clock_time(self.since, self.until, zone),
            "off_to": _clock_time(self.until, self.until, zone),
        }


def _clock_time(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if same_day else f"{local:%Y-%m-%d %H:%M}"


@dataclass(kw_only=True)
class Room:
    """What of a task runs or waits, and what its overlap rule makes of one more run."""

    policy: str
    max_instances: int
    running: list[UUID] = field(default_factory=list)
    waiting: list[UUID] = field(default_factory=list)
    to_stop: list[UUID] = field(default_factory=list)
    to_drop: list[UUID] = field(default_factory=list)

    def in_the_way(self) -> UUID | None:
        if self.policy == Task.Overlap.SKIP:
            return next(iter([*self.running, *self.waiting]), None)
        if self.policy == Task.Overlap.QUEUE:
            return next(iter(self.waiting), None)
        full = len(self.running) + len(self.waiting) >= self.max_instances
        if self.policy == Task.Overlap.ALLOW and full:
            return next(iter([*self.running, *self.waiting]), None)
        return None

    def take(self, run: UUID, *, catching_up: bool = False) -> None:
        if self.policy == Task.Overlap.CANCEL_RUNNING and not catching_up:
            self.to_stop += self.running
            self.to_drop += self.waiting
            self.running, self.waiting = [], []
        self.waiting.append(run)


def to_start(
    slots: Slots, *, now: datetime, delay: timedelta, catch_up: str, window: timedelta
) -> set[datetime]:
    """The slots that start now; the others were missed."""

    limit = ON_TIME if catch_up == Task.CatchUp.NONE else max(window, ON_TIME)
    recent = [slot for slot in slots.newest if now - slot - delay <= limit]
    return set(recent if catch_up == Task.CatchUp.ALL else recent[-1:])


def missed(
    slots: Slots, started: set[datetime], absence: Absence, zone: ZoneInfo
) -> list[Decision]:
    """One row for each of the newest slots, one for all the older ones together."""
    if not slots.older and len(started) == len(slots.newest):
        return []
    detail = absence.detail(zone)
    found = [
        Decision(slot=slot, status=Status.MISSED, reason=absence.reason, detail=detail)
        for slot in slots.newest
        if slot not in started
    ]
    if slots.older and slots.older_first is not None:
        older = Decision(
            slot=slots.older_first,
            until=slots.older_last,
            slots=slots.older,
            status=Status.MISSED,
            reason=absence.reason,
            detail=detail,
        )
        found.insert(0, older)
    return found


def start(slot: datetime, *, now: datetime, standstill: Standstill, room: Room) -> Decision:
    """Queued, or skipped with its reason."""
    still = standstill(slot) or standstill(now)
    if still is not None:
        reason, detail = still
        return Decision(slot=slot, status=Status.SKIPPED, reason=reason, detail=detail)
    obstacle = room.in_the_way()
    if obstacle is not None:
        detail = {"run": str(obstacle), "policy": room.policy}
        return Decision(slot=slot, status=Status.SKIPPED, reason="overlap", detail=detail)
    return Decision(slot=slot, status=Status.QUEUED)

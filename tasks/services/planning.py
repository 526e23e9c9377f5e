"""What becomes of a schedule's due slots: start, skip or miss. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
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
Reason = tuple[str, dict[str, Any]]
# Why nothing starts at this moment, or throughout the time until another.
Standstill = Callable[..., Reason | None]


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
            "zone": zone.key,
        }


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
    slots: Iterable[datetime], *, now: datetime, delay: timedelta, catch_up: str, window: timedelta
) -> set[datetime]:
    """The slots that start now; the others were missed."""

    limit = ON_TIME if catch_up == Task.CatchUp.NONE else max(window, ON_TIME)
    recent = [slot for slot in slots if now - slot - delay <= limit]
    return set(recent if catch_up == Task.CatchUp.ALL else recent[-1:])


def held(slots: Slots, standstill: Standstill) -> dict[datetime, Reason]:
    """The slots in which nothing may start: skipped, whether a scheduler was there or not."""
    found = ((slot, standstill(slot)) for slot in slots.newest)
    return {slot: reason for slot, reason in found if reason is not None}


def missed(
    slots: Slots,
    *,
    started: Container[datetime],
    held: Mapping[datetime, Reason],
    absence: Absence,
    zone: ZoneInfo,
    standstill: Standstill,
) -> list[Decision]:
    """One row for each of the newest slots, one for all the older ones together."""
    left = [slot for slot in slots.newest if slot not in started]
    if not slots.older and not left:
        return []
    lost = absence.reason, absence.detail(zone)
    found = [_not_started(slot, held.get(slot), lost) for slot in left]
    if slots.older and slots.older_first is not None:
        still = standstill(slots.older_first, slots.older_last)
        older = _not_started(slots.older_first, still, lost)
        found.insert(0, replace(older, slots=slots.older, until=slots.older_last))
    return found


def _not_started(slot: datetime, still: Reason | None, lost: Reason) -> Decision:
    reason, detail = lost if still is None else still
    status = Status.MISSED if still is None else Status.SKIPPED
    return Decision(slot=slot, status=status, reason=reason, detail=detail)


def start(slot: datetime, *, now: datetime, standstill: Standstill, room: Room) -> Decision:
    """Queued, or skipped with its reason."""
    still = standstill(now)
    if still is not None:
        reason, detail = still
        return Decision(slot=slot, status=Status.SKIPPED, reason=reason, detail=detail)
    obstacle = room.in_the_way()
    if obstacle is not None:
        detail = {"run": str(obstacle), "policy": room.policy}
        return Decision(slot=slot, status=Status.SKIPPED, reason="overlap", detail=detail)
    return Decision(slot=slot, status=Status.QUEUED)

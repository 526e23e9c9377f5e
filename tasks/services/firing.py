"""The ledger of firings: every due slot leaves exactly one run, in one transaction."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from tasks.models import Alert, Run, Task
from tasks.services import alerts
from tasks.services.actors import SCHEDULER
from tasks.services.bulk import rows_source, rows_value
from tasks.services.insertion import NewRun, insert_runs
from tasks.services.moves import move
from tasks.services.planning import (
    NEWEST,
    Absence,
    Decision,
    Room,
    held,
    missed,
    start,
    to_start,
)
from tasks.services.standstill import Standstill
from tasks.slots import Slots, Timing, jitter_delay

Status = Run.Status


@dataclass(frozen=True, kw_only=True)
class Known:
    """A schedule as the clock knows it: its timing, and the hash that says it still holds."""

    timing: Timing
    hash: str

    def delay(self, schedule_id: int) -> timedelta:
        return jitter_delay(str(schedule_id), self.timing.jitter)

    def due(self, schedule_id: int, after: datetime) -> datetime | None:
        """When the first slot after this moment starts, its jitter included."""
        slot = self.timing.next_time(after)
        return None if slot is None else slot + self.delay(schedule_id)


@dataclass(frozen=True)
class DueSchedule:
    id: int
    watermark: datetime | None
    timing_hash: str
    enabled: bool
    task_pk: int
    overlap_policy: str
    max_instances: int
    catch_up: str
    catch_up_window: int | None
    # As JSON: of thousands that are due hardly any is read.
    alert_to: str
    alert_on: str

    @property
    def window(self) -> timedelta:
        seconds = self.catch_up_window
        if seconds is None:
            seconds = settings.SCHEDULER_MISFIRE_GRACE_TIME
        return timedelta(seconds=seconds)


@dataclass(kw_only=True)
class Fired:
    runs: list[NewRun] = field(default_factory=list)
    # When each schedule is due next; None where it has ended.
    due: dict[int, datetime | None] = field(default_factory=dict)
    # Edited or switched off meanwhile: reconciling settles them.
    stale: list[int] = field(default_factory=list)

    def count(self, status: str) -> int:
        return sum(run.status == status for run in self.runs)


def fire(
    *,
    known: Mapping[int, Known],
    schedule_ids: Sequence[int],
    now: datetime | None = None,
    absence: Absence = Absence(),  # noqa: B008 - frozen
    inside: Callable[[], None] = lambda: None,
    store: Callable[[Mapping[int, datetime | None]], None] = lambda due: None,
) -> Fired:
    """Settles every due slot of these schedules.

    `inside` runs first in the transaction (the leader's epoch), `store` last (the job store).
    """
    now = now or timezone.now()
    with collection_paused(), transaction.atomic():
        inside()
        rows = _lock(schedule_ids)
        fired = Fired(stale=sorted(set(schedule_ids) - {row.id for row in rows}))
        plan = _Plan(now=now, absence=absence, known=known, fired=fired)
        plan.settle(rows)
        insert_runs(fired.runs)
        alerts.insert(_of_missed(rows, fired.runs, now))
        _advance(plan.watermarks)
        stop_others(plan.rooms.values())
        store(fired.due)
    return fired


def _of_missed(
    rows: Iterable[DueSchedule], runs: Iterable[NewRun], now: datetime
) -> list[alerts.Wanted]:
    """One for each task, about its newest missed slot, however many an outage took."""
    told = {row.id: row for row in rows if Alert.Kind.MISSED in row.alert_on}
    if not told:
        return []
    newest: dict[int, NewRun] = {}
    for run in runs:
        if run.status == Status.MISSED and run.schedule_id in told:
            pk = told[run.schedule_id].task_pk
            newest[pk] = max(run, newest.get(pk, run), key=lambda each: each.at)
    return [
        alerts.Wanted(
            run_id=run.id,
            kind=Alert.Kind.MISSED,
            recipients=json.loads(told[run.schedule_id].alert_to),
            at=now,
        )
        for run in newest.values()
    ]


@contextmanager
def collection_paused() -> Iterator[None]:
    """All that a firing makes lives until its commit: looking for what doesn't took a quarter of
    the time of thousands."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(kw_only=True)
class _Plan:
    now: datetime
    absence: Absence
    known: Mapping[int, Known]
    fired: Fired
    rooms: dict[int, Room] = field(default_factory=dict)
    watermarks: dict[int, datetime] = field(default_factory=dict)

    def settle(self, rows: Sequence[DueSchedule]) -> None:
        good = [row for row in rows if self._is_known(row)]
        if len(good) < len(rows):
            self.fired.stale += [row.id for row in rows if not self._is_known(row)]
        if not good:
            return
        oldest = min(row.watermark or self.now for row in good)
        standstill = Standstill.since(oldest)
        self.rooms = rooms_of((row.task_pk, row.overlap_policy, row.max_instances) for row in good)
        for row in good:
            self._settle(row, standstill)

    def _is_known(self, row: DueSchedule) -> bool:
        known = self.known.get(row.id)
        return row.enabled and known is not None and known.hash == row.timing_hash

    def _settle(self, row: DueSchedule, standstill: Standstill) -> None:
        known = self.known[row.id]
        delay, watermark = known.delay(row.id), row.watermark or self.now
        slots = known.timing.slots_between(watermark, self.now - delay, newest=NEWEST)
        self._record(row, slots, delay, standstill)
        if slots.newest:
            self.watermarks[row.id] = slots.newest[-1]
        self.fired.due[row.id] = None if slots.following is None else slots.following + delay

    def _record(
        self, row: DueSchedule, slots: Slots, delay: timedelta, standstill: Standstill
    ) -> None:
        zone = self.known[row.id].timing.zone
        still = partial(standstill.reason, row.task_pk)
        kept_back = held(slots, still)
        free = [slot for slot in slots.newest if slot not in kept_back]
        wanted = to_start(free, now=self.now, delay=delay, catch_up=row.catch_up, window=row.window)
        for decision in missed(
            slots,
            started=wanted,
            held=kept_back,
            absence=self.absence,
            zone=zone,
            standstill=still,
        ):
            self._add(row, decision)
        # Runs that make up for missed ones wait for each other, whatever the overlap rule.
        catching_up = len(wanted) > 1 and row.catch_up == Task.CatchUp.ALL
        room = Room(policy="", max_instances=0) if catching_up else self.rooms[row.task_pk]
        for slot in sorted(wanted):
            decision = start(slot, now=self.now, standstill=still, room=room)
            self._add(row, decision, catching_up=catching_up)

    def _add(self, row: DueSchedule, decision: Decision, *, catching_up: bool = False) -> None:
        run = NewRun(
            schedule_id=row.id,
            status=decision.status,
            reason=decision.reason,
            detail=decision.detail,
            at=decision.slot,
            scheduled_for=decision.slot,
            scheduled_until=decision.until,
            slots=decision.slots,
            queued_at=self.now,
        )
        if run.status == Status.QUEUED:
            self.rooms[row.task_pk].take(run.id, catching_up=catching_up)
        self.fired.runs.append(run)


def _lock(schedule_ids: Iterable[int]) -> list[DueSchedule]:
    """Locks the schedules, so that an edit comes before or after the firing, never between."""
    columns = {"id": "bigint"}
    statement = (
        "SELECT s.id, s.watermark, s.timing_hash, s.enabled AND t.enabled, t.id, "  # noqa: S608
        "t.overlap_policy, t.max_instances, t.catch_up, t.catch_up_window, "
        "t.alert_to, t.alert_on "
        f"FROM {rows_source(columns)} JOIN tasks_schedule s ON s.id = f.id "
        "JOIN tasks_task t ON t.id = s.task_id ORDER BY s.id"
    )
    if connection.vendor == "postgresql":
        statement += " FOR UPDATE OF s"
    with connection.cursor() as cursor:
        cursor.execute(statement, [rows_value(columns, ((each,) for each in schedule_ids))])
        found = cursor.fetchall()
    return [DueSchedule(row[0], aware(row[1]), row[2], bool(row[3]), *row[4:]) for row in found]


def aware(value: datetime | str | None) -> datetime | None:
    """SQLite keeps moments as text in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is not None and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value


def rooms_of(tasks: Iterable[tuple[int, str, int]]) -> dict[int, Room]:
    """What runs or waits of each (primary key, overlap policy, max_instances)."""
    rooms = {pk: Room(policy=policy, max_instances=instances) for pk, policy, instances in tasks}
    # A retry that waits for its time is no live spider yet.
    active = Run.objects.active().exclude(trigger=Run.Trigger.TEST)
    active = active.filter(Q(not_before__isnull=True) | Q(not_before__lte=timezone.now()))
    order = active.order_by("queued_at").values_list("task_id", "status", "id")
    for task_pk, status, run_id in order:
        room = rooms.get(task_pk)
        if room is not None:
            (room.waiting if status == Status.QUEUED else room.running).append(run_id)
    return rooms


def stop_others(rooms: Iterable[Room]) -> None:
    """What `cancel_running` puts aside for a new run."""
    now = timezone.now()
    wish: dict[str, Any] = {"cancel_requested_at": now, "cancel_requested_by": SCHEDULER.name}
    for room in rooms:
        for run_id in room.to_drop:
            move(
                run_id,
                source=Status.QUEUED,
                target=Status.CANCELLED,
                reason="cancelled",
                finished_at=now,
                **wish,
            )
        if room.to_stop:
            Run.objects.filter(pk__in=room.to_stop, cancel_requested_at__isnull=True).update(**wish)


def _advance(watermarks: Mapping[int, datetime]) -> None:
    if not watermarks:
        return
    columns = {"id": "bigint", "watermark": "timestamptz"}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_schedule SET watermark = f.watermark "  # noqa: S608
            f"FROM {rows_source(columns)} WHERE tasks_schedule.id = f.id",
            [rows_value(columns, watermarks.items())],
        )

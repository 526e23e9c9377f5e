"""Inserts runs with what their task says now, any number in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Field

from tasks.models import Run
from tasks.services.actors import SCHEDULER
from tasks.services.bulk import rows_source, rows_value

_GIVEN = {
    "id": "uuid",
    "schedule_id": "bigint",
    "status": "text",
    "reason": "text",
    "detail": "jsonb",
    "trigger": "text",
    "at": "timestamptz",
    "scheduled_for": "timestamptz",
    "scheduled_until": "timestamptz",
    "for_slot": "timestamptz",
    "upstream_id": "uuid",
    "slots": "integer",
    "queued_at": "timestamptz",
    "not_before": "timestamptz",
    "requested_by": "text",
    "finished_at": "timestamptz",
}
_FROM_TASK = {
    "task_id": "id",
    "task_key": "task_id",
    "task_name": "name",
    **{name: name for name in ("kind", "spider", "arguments", "secrets", "settings")},
    **{name: name for name in ("priority", "executor", "user_id")},
}
_NEVER_SHARED = ("id", "schedule_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRun:
    schedule_id: int
    at: datetime
    queued_at: datetime
    status: str = Run.Status.QUEUED
    trigger: str = Run.Trigger.SCHEDULE
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    scheduled_for: datetime | None = None
    scheduled_until: datetime | None = None
    for_slot: datetime | None = None
    upstream_id: UUID | None = None
    not_before: datetime | None = None
    requested_by: str = SCHEDULER.name
    slots: int = 1
    id: UUID = field(default_factory=uuid4)

    @property
    def finished_at(self) -> datetime | None:
        return None if self.status == Run.Status.QUEUED else self.queued_at


def insert_runs(rows: Sequence[NewRun]) -> int:
    """Leaves out what the ledger already has; returns how many rows are new.

    The caller holds the transaction.
    """
    if not rows:
        return 0
    given = dict(zip(_GIVEN, zip(*map(attrgetter(*_GIVEN), rows), strict=True), strict=True))
    # Of thousands that fire together nearly everything is the same: it travels once.
    own = tuple(name for name in _GIVEN if name in _NEVER_SHARED or not _all_same(given[name]))
    statement, places, defaults = _statement(connection.vendor, own)
    shared = {name: _stored(name, given[name][0]) for name in _GIVEN if name not in own}
    value = rows_value(own, zip(*(given[name] for name in own), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(statement, [*({**defaults, **shared}[each] for each in places), value])
        return int(cursor.rowcount)


def _all_same(values: tuple[Any, ...]) -> bool:
    return values.count(values[0]) == len(values)


@cache
def _fields() -> dict[str, Field[Any, Any]]:
    return {each.column: each for each in Run._meta.concrete_fields}


def _stored(column: str, value: Any) -> Any:
    return _fields()[column].get_db_prep_save(value, connection)


@lru_cache(maxsize=64)
def _statement(vendor: str, own: tuple[str, ...]) -> tuple[str, list[str], dict[str, Any]]:
    """Also the columns of its parameters, and what those have that no row gives. `vendor` is the
    key under which the statement of this connection is kept."""
    values, places, defaults = [], [], {}
    for column, each in _fields().items():
        if column in own:
            values.append(f'f."{column}"')
        elif column in _FROM_TASK:
            values.append(f't."{_FROM_TASK[column]}"')
        else:
            values.append("%s" if vendor == "sqlite" else f"%s::{each.db_type(connection)}")
            places.append(column)
            defaults[column] = _stored(column, each.get_default())
    names = ", ".join(map(connection.ops.quote_name, _fields()))
    # S608: every name is ours. WHERE true: SQLite could not tell ON CONFLICT from a join's ON.
    statement = (
        f"INSERT INTO tasks_run ({names}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM {rows_source({name: _GIVEN[name] for name in own})} "
        "JOIN tasks_schedule s ON s.id = f.schedule_id "
        "JOIN tasks_task t ON t.id = s.task_id WHERE true ON CONFLICT DO NOTHING"
    )
    return statement, places, defaults

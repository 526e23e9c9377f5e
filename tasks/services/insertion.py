"""Inserts runs with what their task says now, any number in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
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


@dataclass(frozen=True, kw_only=True)
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
    def row(self) -> Mapping[str, Any]:
        ended = self.status != Run.Status.QUEUED
        return {**vars(self), "finished_at": self.queued_at if ended else None}


def insert_runs(rows: Sequence[NewRun]) -> int:
    """Leaves out what the ledger already has; returns how many rows are new.

    The caller holds the transaction.
    """
    if not rows:
        return 0
    statement, constants = _statement(connection.vendor)
    with connection.cursor() as cursor:
        value = rows_value(row.row for row in rows)
        cursor.execute(statement, [*constants, value])
        return int(cursor.rowcount)


@cache
def _statement(vendor: str) -> tuple[str, tuple[Any, ...]]:
    """`vendor` is the key under which the statement of this connection is kept."""
    columns, values, constants = [], [], []
    for each in Run._meta.concrete_fields:
        columns.append(connection.ops.quote_name(each.column))
        if each.column in _GIVEN:
            values.append(f'f."{each.column}"')
        elif each.column in _FROM_TASK:
            values.append(f't."{_FROM_TASK[each.column]}"')
        else:
            values.append("%s" if vendor == "sqlite" else f"%s::{each.db_type(connection)}")
            constants.append(_constant(each))
    # S608: every name is ours. WHERE true: SQLite could not tell ON CONFLICT from a join's ON.
    statement = (
        f"INSERT INTO tasks_run ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM {rows_source(_GIVEN)} JOIN tasks_schedule s ON s.id = f.schedule_id "
        "JOIN tasks_task t ON t.id = s.task_id WHERE true ON CONFLICT DO NOTHING"
    )
    return statement, tuple(constants)


def _constant(each: Field[Any, Any]) -> Any:
    default = each.get_default()
    if isinstance(default, dict | list):
        return json.dumps(default)
    return each.get_db_prep_save(default, connection)

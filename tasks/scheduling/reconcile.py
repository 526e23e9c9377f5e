"""Keeps the agenda equal to the tables, by difference, whoever changed them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from tasks.scheduling import registry
from tasks.scheduling.agenda import Agenda, Due
from tasks.scheduling.clocks import steady
from tasks.services.bulk import rows_source, rows_value
from tasks.services.firing import Known, aware
from tasks.slots import Timing, fingerprint

logger = logging.getLogger(__name__)

_MOMENTS = ("run_at", "anchor", "start_at", "end_at")
_COLUMNS = (*registry.TIMING_FIELDS, "timing_hash")
# The store is compared as a whole this often, in case somebody else wrote to it.
FULL_EVERY = 300.0
COUNT_EVERY = 5.0
Row = tuple[Any, ...]


@dataclass
class Reconciler:
    agenda: Agenda
    rows: dict[int, Row] = field(default_factory=dict)
    # Which schedules the store must have a time for.
    expected: set[int] = field(default_factory=set)
    _seen: object = None
    _full_at: float = 0.0
    _counted_at: float = 0.0

    def forget(self) -> None:
        """Another scheduler leads: what we know of the store is no longer true."""
        self.rows, self._seen = {}, None

    def poll(self, *, force: bool = False) -> int:
        """Applies what changed in the tables; returns how many schedules did."""
        if not self.rows or steady() - self._full_at > FULL_EVERY:
            return self.resync()
        mark = _change_mark()
        if mark == self._seen and not force:
            return 0
        # Taken before reading: what changes meanwhile is found by the next poll.
        self._seen = mark
        return self._apply_difference()

    def note_fired(self, due: Due) -> None:
        self.expected -= {key for key, moment in due.items() if moment is None}

    def is_incomplete(self) -> bool:
        """The store has fewer jobs than we put there: somebody deleted rows."""
        if steady() - self._counted_at < COUNT_EVERY:
            return False
        self._counted_at = steady()
        return self.agenda.count() < len(self.expected)

    def resync(self) -> int:
        """Compares everything: the first time, now and then, and when the store lost rows."""
        self._seen = _change_mark()
        rows = _read()
        due = self._learn(rows)
        self.rows = {key: row[:-1] for key, row in rows.items()}
        for gone in set(registry.known) - set(rows):
            registry.known.pop(gone, None)
        stored = self.agenda.times()
        wanted = {key: moment for key, moment in due.items() if moment is not None}
        self.agenda.drop(sorted(self.agenda.stored() - set(wanted)))
        missing = {key: at for key, at in wanted.items() if stored.get(key) != at}
        self.agenda.put(missing)
        self.expected = set(wanted)
        self._full_at = steady()
        return len(missing)

    def _apply_difference(self) -> int:
        rows = _read()
        changed = {key: row for key, row in rows.items() if self.rows.get(key) != row[:-1]}
        gone = sorted(set(self.rows) - set(rows))
        due = self._learn(changed)
        wanted = {key: moment for key, moment in due.items() if moment is not None}
        ended = [*gone, *(key for key in due if key not in wanted)]
        self.agenda.put(wanted)
        self.agenda.drop(ended)
        self.expected = (self.expected | set(wanted)) - set(ended)
        for key in gone:
            registry.known.pop(key, None)
        self.rows = {key: row[:-1] for key, row in rows.items()}
        for key in [*changed, *gone]:
            logger.info("schedule %s %s", key, "removed" if key in gone else "read")
        return len(changed) + len(gone)

    def _learn(self, rows: dict[int, Row]) -> dict[int, datetime | None]:
        """Next times by schedule; edited ones start over from now."""
        now = timezone.now()
        due: dict[int, datetime | None] = {}
        restarted: dict[int, str] = {}
        for key, row in rows.items():
            *_, stored_hash, on, watermark = row
            timing = _timing(row)
            known = Known(timing=timing, hash=fingerprint(timing, enabled=bool(on)))
            registry.known[key] = known
            if known.hash != stored_hash or watermark is None:
                restarted[key] = known.hash
            due[key] = _next(known, key, now if key in restarted else aware(watermark), on=bool(on))
        _start_over(restarted, now)
        return due


def _next(known: Known, key: int, after: datetime | None, *, on: bool) -> datetime | None:
    if not on or after is None:
        return None
    try:
        return known.due(key, after)
    except ValueError as error:  # written past the services: shown as never running
        logger.warning("schedule %s can't be read: %s", key, error)
        return None


def _timing(row: Row) -> Timing:
    values = dict(zip(registry.TIMING_FIELDS, row, strict=False))
    return Timing(**{**values, **{name: aware(values[name]) for name in _MOMENTS}})


def _start_over(hashes: dict[int, str], now: datetime) -> None:
    if not hashes:
        return
    columns = {"id": "bigint", "hash": "text", "watermark": "timestamptz"}
    rows = ((key, value, now) for key, value in hashes.items())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_schedule "  # noqa: S608 - our own names
            f"SET timing_hash = f.hash, watermark = f.watermark FROM {rows_source(columns)} "
            "WHERE tasks_schedule.id = f.id",
            [rows_value(columns, rows)],
        )


def _select(columns: Iterable[str]) -> str:
    return (
        f"SELECT {', '.join(columns)} FROM tasks_schedule s "  # noqa: S608 - our own names
        "JOIN tasks_task t ON t.id = s.task_id"
    )


def _read() -> dict[int, Row]:
    """Rows as the database gives them: comparing thousands of them must cost next to nothing."""
    columns = [f"s.{name}" for name in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_select(["s.id", *columns, "s.enabled AND t.enabled", "s.watermark"]))
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _change_mark() -> object:
    """Something cheap that differs after any change of the schedules by anybody."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # Counts the commits of all other connections.
            cursor.execute("PRAGMA data_version")
            return id(connection.connection), cursor.fetchone()[0]
        fields = ", ".join(f"s.{name}" for name in (*_COLUMNS, "id", "enabled"))
        mark = f"sum(hashtextextended(ROW({fields}, t.enabled)::text, 0))"
        cursor.execute(_select(["count(*)", mark]))
        return cursor.fetchone()

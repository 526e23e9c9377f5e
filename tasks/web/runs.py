"""Reads of the ledger that pages share, each bounded however long the history is."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from tasks.models import Run
from tasks.web.charts import SLOTS, Slot
from tasks.web.states import Look, look_of
from tasks.web.when import Clock

GOOD = frozenset({Run.Status.SUCCEEDED})
USUAL_OF = 10

# One index range per task. A window function would read the whole history instead.
_NEWEST = """SELECT * FROM (
    SELECT id, task_id, at, status, reason, started_at, finished_at, items
    FROM tasks_run WHERE task_id = %s AND NOT trigger = 'test'
    ORDER BY at DESC, id DESC LIMIT %s
) AS newest"""
# SQLite allows 500 parts in one compound statement.
_PARTS = 200


class PastRun(NamedTuple):
    """What pages show of the last runs of each task. They read thousands, and a model instance
    takes ten times as long."""

    at: datetime
    pk: uuid.UUID
    task_id: int
    status: str
    reason: str
    started_at: datetime | None
    finished_at: datetime | None
    items: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What a good run of a task is like: medians of the last ones."""

    items: float
    seconds: float


def last_runs(task_pks: Iterable[int], limit: int = SLOTS) -> dict[int, list[PastRun]]:
    """The newest runs of each task, oldest first."""
    found: dict[int, list[PastRun]] = {pk: [] for pk in task_pks}
    pks = list(found)
    for start in range(0, len(pks), _PARTS):
        part = pks[start : start + _PARTS]
        params = [value for pk in part for value in (pk, limit)]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([_NEWEST] * len(part)), params)
            for run in map(_past_run, cursor.fetchall()):
                found[run.task_id].append(run)
    for runs in found.values():
        runs.sort()
    return found


def _past_run(row: tuple[Any, ...]) -> PastRun:
    pk, task_id, at, status, reason, started_at, finished_at, items = row
    return PastRun(
        at=_moment(at),
        pk=pk if isinstance(pk, uuid.UUID) else uuid.UUID(hex=pk),
        task_id=task_id,
        status=status,
        reason=reason,
        started_at=started_at and _moment(started_at),
        finished_at=finished_at and _moment(finished_at),
        items=items,
    )


def _moment(value: datetime | str) -> datetime:
    """SQLite knows no zones, and in a union no moments either: it hands out text, in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def usual_of(runs: Sequence[PastRun]) -> Usual | None:
    good = [
        (run.items, (run.finished_at - run.started_at).total_seconds())
        for run in runs
        if run.status in GOOD and run.started_at and run.finished_at
    ][-USUAL_OF:]
    if not good:
        return None
    return Usual(
        items=median(items for items, _seconds in good),
        seconds=median(seconds for _items, seconds in good),
    )


def seconds_taken(run: Run, now: datetime | None = None) -> float | None:
    taken = run.duration(now=now or timezone.now())
    return taken.total_seconds() if taken is not None else None


def look(run: Run | PastRun) -> Look:
    return look_of(run.status, run.reason)


def slots(runs: Sequence[PastRun], clock: Clock) -> list[Slot]:
    return [Slot(look(run), clock.absolute(run.at)) for run in runs]


def parse_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

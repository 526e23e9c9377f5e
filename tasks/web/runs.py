"""Reads of the ledger that pages share, each bounded however long the history is."""

from __future__ import annotations

import uuid
from collections import defaultdict
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
Good = tuple[int, float]
USUAL_OF = 10

# One index range per task. A window function would read the whole history instead.
_NEWEST = """SELECT {columns} FROM tasks_run
    WHERE task_id = {task} AND NOT trigger = 'test' ORDER BY at DESC, id DESC LIMIT %s"""
# SQLite allows 500 parts in one compound statement.
_PARTS = 200
SHOWN = "id, task_id, at, status, reason, started_at, finished_at, items"
JUDGED = "task_id, at, status, started_at, finished_at, items"


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


@dataclass(frozen=True, slots=True)
class Recent:
    """When a task last ran, and what a good run is like."""

    newest: datetime | None = None
    usual: Usual | None = None


def last_runs(task_pks: Iterable[int], limit: int = SLOTS) -> dict[int, list[PastRun]]:
    """The newest runs of each task, oldest first."""
    found: dict[int, list[PastRun]] = {pk: [] for pk in task_pks}
    for run in map(_past_run, _newest(list(found), SHOWN, limit)):
        found[run.task_id].append(run)
    for runs in found.values():
        runs.sort()
    return found


def recent(task_pks: Iterable[int]) -> dict[int, Recent]:
    """For all tasks at once: of their newest runs, no more is read than this takes."""
    moments: dict[int, datetime | str] = {}
    good: dict[int, list[Good]] = defaultdict(list)
    pks = list(task_pks)
    for pk, at, status, started, finished, items in _newest(pks, JUDGED, USUAL_OF):
        moments[pk] = max(at, moments.get(pk, at))
        if status in GOOD and started and finished:
            good[pk].append((items, _seconds(started, finished)))
    return {
        pk: Recent(_moment(moments[pk]), _usual(good[pk])) if pk in moments else Recent()
        for pk in pks
    }


def _newest(task_pks: Sequence[int], columns: str, limit: int) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Planned once: a union takes a millisecond of planning for each of its parts.
            part = _NEWEST.format(columns=columns, task="task.pk")
            cursor.execute(
                "SELECT newest.* FROM unnest(%s::bigint[]) AS task(pk) "  # noqa: S608 - names of ours alone
                f"CROSS JOIN LATERAL ({part}) AS newest",
                [list(task_pks), limit],
            )
            return list(cursor.fetchall())
        part = f"SELECT * FROM ({_NEWEST.format(columns=columns, task='%s')}) AS newest"  # noqa: S608
        for start in range(0, len(task_pks), _PARTS):
            some = task_pks[start : start + _PARTS]
            params = [value for pk in some for value in (pk, limit)]
            cursor.execute(" UNION ALL ".join([part] * len(some)), params)
            found += cursor.fetchall()
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


def _seconds(started: datetime | str, finished: datetime | str) -> float:
    if isinstance(started, datetime) and isinstance(finished, datetime):
        return (finished - started).total_seconds()
    return (_moment(finished) - _moment(started)).total_seconds()


def usual_of(runs: Sequence[PastRun]) -> Usual | None:
    return _usual(
        [
            (run.items, _seconds(run.started_at, run.finished_at))
            for run in runs
            if run.status in GOOD and run.started_at and run.finished_at
        ][-USUAL_OF:]
    )


def _usual(good: Sequence[Good]) -> Usual | None:
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

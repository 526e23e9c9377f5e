"""Reads of the ledger that pages share, each bounded however long the history is."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import median

from django.utils import timezone

from tasks.models import Run
from tasks.web import when
from tasks.web.charts import SLOTS, Slot
from tasks.web.states import Look, look_of

GOOD = frozenset({Run.Status.SUCCEEDED})
USUAL_OF = 10

# One index range per task. A window function would read the whole history instead.
_NEWEST = """SELECT * FROM (
    SELECT id, task_id, at, status, reason, detail, started_at, finished_at, items
    FROM tasks_run WHERE task_id = %s AND NOT trigger = 'test'
    ORDER BY at DESC, id DESC LIMIT %s
) AS newest"""
# SQLite allows 500 parts in one compound statement.
_PARTS = 200


@dataclass(frozen=True, slots=True)
class Usual:
    """What a good run of a task is like: medians of the last ones."""

    items: float
    seconds: float


def last_runs(task_pks: Iterable[int], limit: int = SLOTS) -> dict[int, list[Run]]:
    """The newest runs of each task, oldest first."""
    found: dict[int, list[Run]] = {pk: [] for pk in task_pks}
    pks = list(found)
    for start in range(0, len(pks), _PARTS):
        part = pks[start : start + _PARTS]
        sql = " UNION ALL ".join([_NEWEST] * len(part))
        params = [value for pk in part for value in (pk, limit)]
        for run in Run.objects.raw(sql, params):
            found[run.task_id or 0].append(run)
    for runs in found.values():
        runs.sort(key=lambda run: (run.at, run.id))
    return found


def usual_of(runs: Sequence[Run]) -> Usual | None:
    good = [r for r in runs if r.status in GOOD and r.started_at and r.finished_at][-USUAL_OF:]
    if not good:
        return None
    return Usual(
        items=median(run.items for run in good),
        seconds=median(_seconds(run) for run in good),
    )


def _seconds(run: Run) -> float:
    taken = run.duration()
    return taken.total_seconds() if taken else 0.0


def seconds_taken(run: Run, now: datetime | None = None) -> float | None:
    taken = run.duration(now=now or timezone.now())
    return taken.total_seconds() if taken is not None else None


def look(run: Run) -> Look:
    return look_of(run.status, run.reason)


def slots(runs: Sequence[Run], now: datetime, zone: tzinfo) -> list[Slot]:
    return [Slot(look(run), when.absolute(run.at, now, zone)) for run in runs]


def newest_ended(runs: Sequence[Run]) -> Run | None:
    return next((run for run in reversed(runs) if run.is_ended), None)


def parse_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

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
from tasks.services.baseline import Baseline
from tasks.web.charts import SLOTS, Slot
from tasks.web.states import Look, look_of
from tasks.web.when import Clock

USUAL_OF = 10

# One index range per task. A window function would read the whole history instead.
_NEWEST = """SELECT {columns} FROM tasks_run
    WHERE task_id = {task} AND NOT trigger = 'test' ORDER BY at DESC, id DESC LIMIT %s"""
# SQLite allows 500 parts in one compound statement.
_PARTS = 200
SHOWN = "id, task_id, at, status, reason"
GOOD = "status = 'succeeded' AND started_at IS NOT NULL AND finished_at IS NOT NULL"
# Read as text: of all these moments only the newest one is made one.
JUDGED = f"""task_id, '' || at, items, {GOOD},
    round((julianday(finished_at) - julianday(started_at)) * 86400, 3)"""
# Thousands of moments would be read for a few hundred figures.
_JUDGED_THERE = """SELECT task.pk, max(at),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY items) FILTER (WHERE {good}),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))
        FILTER (WHERE {good})
    FROM unnest(%s::bigint[]) AS task(pk) CROSS JOIN LATERAL ({newest}) AS newest
    GROUP BY task.pk""".format(  # noqa: S608 - names of ours alone
    good=GOOD,
    newest=_NEWEST.format(columns="at, status, started_at, finished_at, items", task="task.pk"),
)


class PastRun(NamedTuple):
    """What pages show of the last runs of each task. They read thousands, and a model instance
    takes ten times as long."""

    at: datetime
    key: uuid.UUID | str
    task_id: int
    status: str
    reason: str

    @property
    def pk(self) -> uuid.UUID:
        return self.key if isinstance(self.key, uuid.UUID) else uuid.UUID(hex=self.key)


@dataclass(frozen=True, slots=True)
class Recent:
    """When a task last ran, and what a good run is like."""

    newest: datetime | None = None
    usual: Baseline | None = None


def last_runs(task_pks: Iterable[int], limit: int = SLOTS) -> dict[int, list[PastRun]]:
    """The newest runs of each task, oldest first."""
    found: dict[int, list[PastRun]] = {pk: [] for pk in task_pks}
    for pk, task_id, at, status, reason in _newest(list(found), SHOWN, limit):
        found[task_id].append(PastRun(_moment(at), pk, task_id, status, reason))
    for runs in found.values():
        runs.sort()
    return found


def recent(task_pks: Iterable[int]) -> dict[int, Recent]:
    """For all tasks at once: of their newest runs, no more is read than this takes."""
    pks = list(task_pks)
    read = _recent_there if connection.vendor == "postgresql" else _recent_here
    return {**dict.fromkeys(pks, Recent()), **read(pks)}


def _recent_there(pks: list[int]) -> dict[int, Recent]:
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED_THERE, [pks, USUAL_OF])
        return {
            pk: Recent(newest, None if items is None else Baseline(items, float(seconds)))
            for pk, newest, items, seconds in cursor.fetchall()
        }


def _recent_here(pks: list[int]) -> dict[int, Recent]:
    moments: dict[int, str] = {}
    good: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for pk, at, items, is_good, seconds in _newest(pks, JUDGED, USUAL_OF):
        moments[pk] = max(at, moments.get(pk, ""))
        if is_good:
            good[pk].append((items, seconds))
    return {pk: Recent(_moment(at), _usual(good[pk])) for pk, at in moments.items()}


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


def _moment(value: datetime | str) -> datetime:
    """SQLite knows no zones, and in a union no moments either: it hands out text, in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _usual(good: Sequence[tuple[int, float]]) -> Baseline | None:
    if not good:
        return None
    return Baseline(
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

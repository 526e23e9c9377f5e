"""Who of those that wait is next: by priority and waiting time, the tasks taking turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from tasks.execution.dispatching import Candidate, Places
from tasks.handlers import HANDLERS
from tasks.models import Run

# So many are read whole at once; of more the next few are chosen first.
SHORT = 8
FEW = 30
CANDIDATES = 500
TURNS = 10
# A waiting run gains one step of priority per this many seconds, so that none waits for ever.
SECONDS_PER_STEP = 300
KINDS = tuple(HANDLERS)
FIELDS = (
    "pk", "task_id", "priority", "queued_at", "trigger", "arguments",
    "task__overlap_policy", "task__max_instances",
)  # fmt: skip

Waiting = TypeVar("Waiting", Run, Candidate)


def waiting_runs(
    *, host: str, executor: str, default: bool, now: datetime, places: Places
) -> list[Run]:
    """The next few. Of a long queue those are left out that have no room beside what runs."""
    executors = [executor, ""] if default else [executor]
    rows = (
        Run.objects.waiting()
        .filter(executor__in=executors, host__in=["", host], kind__in=KINDS, task__isnull=False)
        .filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
        .order_by()
    )
    found = list(rows.select_related("task")[: SHORT + 1])
    if len(found) > SHORT:
        fitting = filter(places.has_room_for, _candidates(rows))
        keys = [each.pk for each in _in_turn(fitting, now)[:FEW]]
        found = list(rows.select_related("task").filter(pk__in=keys))
    return _in_turn(found, now)


def _candidates(rows: QuerySet[Run]) -> Iterable[Candidate]:
    values = rows.values_list(*FIELDS)
    found = [Candidate(*row) for row in values[: CANDIDATES + 1]]
    if len(found) <= CANDIDATES:
        return found
    window = Window(RowNumber(), partition_by=F("task"), order_by="queued_at")
    first = values.annotate(turn=window).filter(turn__lte=TURNS)
    # By age too: whoever waits longest must be among them, however many are urgent.
    urgent = first.order_by("-priority", "turn", "queued_at")[:CANDIDATES]
    oldest = first.order_by("queued_at")[:FEW]
    # A task's turns are counted again from here on.
    return {row[0]: Candidate(*row[:-1]) for row in [*urgent, *oldest]}.values()


def _in_turn(runs: Iterable[Waiting], now: datetime) -> list[Waiting]:
    seen: Counter[int | None] = Counter()
    ranked = []
    for run in sorted(runs, key=lambda run: run.queued_at):
        # How many of its task are before it: the oldest is the task's first.
        seen[run.task_id] += 1
        ranked.append((_rank(run, seen[run.task_id], now), run))
    return [run for _rank_of_it, run in sorted(ranked, key=lambda pair: pair[0])]


def _rank(run: Run | Candidate, turn: int, now: datetime) -> tuple[float, int, datetime]:
    waited = (now - run.queued_at).total_seconds()
    return (-(run.priority + waited // SECONDS_PER_STEP), turn, run.queued_at)

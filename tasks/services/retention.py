"""Which runs have outlived their use. The last good and the last failed run of a task stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from tasks.models import Run, Task

Status = Run.Status
Why = Literal["age", "count", "size"]
CHUNK = 500
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Removal:
    run: Run
    why: Why


def runs_to_remove(
    *, size_of: Callable[[Run], int], days: int | None = None, now: datetime | None = None
) -> Iterator[Removal]:
    """By age, by count and by size of each task; `days` goes before the tasks' own rules."""
    now = now or timezone.now()
    for task in Task.objects.order_by("pk"):
        yield from _of_task(task, size_of=size_of, days=days, now=now)
    # What a deleted task left behind: only its age counts.
    before = now - timedelta(days=days or settings.RETENTION_DAYS)
    for run in Run.objects.ended().filter(task=None, at__lt=before).newest_first():
        yield Removal(run, "age")


def _of_task(
    task: Task, *, size_of: Callable[[Run], int], days: int | None, now: datetime
) -> Iterator[Removal]:
    before = now - timedelta(days=days or task.keep_days or settings.RETENTION_DAYS)
    kept = _always_kept(task)
    total = 0
    limit = (task.keep_megabytes or 0) * MEGABYTE
    for number, run in enumerate(task.runs.ended().newest_first().iterator(CHUNK), 1):
        total += size_of(run) if limit else 0
        if run.pk in kept:
            continue
        if run.at < before:
            yield Removal(run, "age")
        elif task.keep_runs and number > task.keep_runs:
            yield Removal(run, "count")
        elif limit and total > limit:
            yield Removal(run, "size")


def _always_kept(task: Task) -> set[UUID]:
    good = Q(status=Status.SUCCEEDED) & ~Q(trigger=Run.Trigger.TEST)
    newest = (
        task.runs.filter(condition).newest_first().values_list("pk", flat=True).first()
        for condition in (good, Q(status=Status.FAILED))
    )
    return {pk for pk in newest if pk is not None}


def remove_runs(runs: Iterable[Run]) -> int:
    """The rows alone; their folders are the caller's. What has not ended stays."""
    ids = [run.pk for run in runs]
    removed = 0
    for start in range(0, len(ids), CHUNK):
        rows = Run.objects.ended().filter(pk__in=ids[start : start + CHUNK])
        removed += rows.delete()[1].get("tasks.Run", 0)
    return removed

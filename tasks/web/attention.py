"""Which tasks need a person: those whose newest outcome is not a good one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django_stubs_ext import WithAnnotations

from tasks.models import TERMINAL, Run, Task

TROUBLE = (Run.Status.FAILED, Run.Status.SUSPICIOUS, Run.Status.MISSED)
# Skips and stops were decided by a person or a rule: they neither raise nor settle anything.
TELLING = [status for status in TERMINAL if status not in {"skipped", "cancelled"}]


def _newest_outcomes() -> QuerySet[Run]:
    return (
        Run.objects.filter(task=OuterRef("pk"), status__in=TELLING)
        .exclude(trigger=Run.Trigger.TEST)
        .newest_first()
    )


if TYPE_CHECKING:

    class Newest(TypedDict):
        newest_run: UUID | None
        newest_status: str | None

    Judged = WithAnnotations[Task, Newest]


def newest_status(tasks: QuerySet[Task]) -> QuerySet[Judged]:
    """Each task with the id and the status of its newest telling run."""
    newest = _newest_outcomes()
    return tasks.annotate(
        newest_run=Subquery(newest.values("pk")[:1]),
        newest_status=Subquery(newest.values("status")[:1]),
    )


def troubled_tasks() -> QuerySet[Judged]:
    """Tasks that are on and whose newest telling run went wrong."""
    wrong = Q(newest_status="failed") | Q(newest_status="suspicious") | Q(newest_status="missed")
    return newest_status(Task.objects.on()).filter(wrong)


def attention_count() -> int:
    return troubled_tasks().count()


def troubles(limit: int = 8) -> list[Run]:
    """The runs that need attention, worst first, then newest."""
    ids = list(troubled_tasks().values_list("newest_run", flat=True))
    runs = Run.objects.filter(pk__in=ids).select_related("task", "schedule")
    return _worst_first(runs)[:limit]


def _worst_first(runs: Iterable[Run]) -> list[Run]:
    rank = {status: place for place, status in enumerate(TROUBLE)}
    newest = sorted(runs, key=lambda run: run.at, reverse=True)
    return sorted(newest, key=lambda run: rank[Run.Status(run.status)])

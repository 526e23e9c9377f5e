"""Which tasks need a person: those whose newest outcome is not a good one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import Case, CharField, Func, Q, QuerySet, UUIDField, When
from django_stubs_ext import WithAnnotations

from tasks.models import Run, Task
from tasks.models.run import TELLING

TROUBLE = (Run.Status.FAILED, Run.Status.SUSPICIOUS, Run.Status.MISSED)


class _OfNewestRun(Func):
    """A column of the newest telling run: one entry of run_telling for each task, however many
    skipped runs came after. A queryset would send the values of the index's condition as
    parameters, and SQLite then doesn't recognize the index."""

    template = (
        "(SELECT %(function)s FROM tasks_run WHERE task_id = %(expressions)s"  # noqa: S608 - names of ours alone
        f" AND {TELLING} ORDER BY at DESC, id DESC LIMIT 1)"
    )


if TYPE_CHECKING:

    class Newest(TypedDict):
        newest_run: UUID | None
        newest_status: str | None

    Judged = WithAnnotations[Task, Newest]


def newest_status(tasks: QuerySet[Task]) -> QuerySet[Judged]:
    """Each task with the id and the status of its newest telling run."""
    return tasks.annotate(
        newest_run=_OfNewestRun("pk", function="id", output_field=UUIDField()),
        newest_status=_OfNewestRun("pk", function="status", output_field=CharField()),
    )


def troubled_tasks() -> QuerySet[Judged]:
    """Tasks that are on and whose newest telling run went wrong."""
    return newest_status(Task.objects.on()).filter(Q(newest_status__in=TROUBLE))


def attention_count() -> int:
    return troubled_tasks().count()


def troubled() -> list[UUID]:
    """The newest runs of those tasks."""
    return list(troubled_tasks().values_list("newest_run", flat=True))


def worst_of(run_ids: Iterable[UUID], limit: int = 8) -> list[Run]:
    """Of the runs that need attention: the worst first, then the newest."""
    rank = Case(*(When(status=status, then=place) for place, status in enumerate(TROUBLE)))
    found = Run.objects.filter(pk__in=run_ids).order_by(rank, "-at")
    return list(found.select_related("task", "schedule")[:limit])

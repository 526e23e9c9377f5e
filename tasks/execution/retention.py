"""Which ended runs may go: by age, number and size, per task and in all. The last good and the last
failed run of each task always stay."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from tasks.execution.folder import folder_of, remove_folder, size_of
from tasks.models import TERMINAL, Run, Task
from tasks.services.history import forget_runs

logger = logging.getLogger(__name__)
Why = Literal["age", "number", "size"]
ENDS: Mapping[str, set[str]] = {
    Run.Status.SUCCEEDED: {"good", "well"},
    Run.Status.SUSPICIOUS: {"well"},
    Run.Status.FAILED: {"failed"},
}
MEGABYTE = 1024 * 1024
LIMITS = ("keep_days", "keep_runs", "keep_megabytes")
SHOWN = ("task_id", "task_key", "task_name", "at", "finished_at", "status")


@dataclass(frozen=True)
class Rules:
    """None: no such limit."""

    days: int | None = None
    runs: int | None = None
    megabytes: int | None = None


@dataclass(frozen=True)
class Doomed:
    run: Run
    why: Why
    size: int


@dataclass(frozen=True)
class Removed:
    runs: int
    size: int


def rules_of(task: Task | None) -> Rules:
    if task is None:
        return Rules(days=settings.RETENTION_DAYS)
    days = settings.RETENTION_DAYS if task.keep_days is None else task.keep_days
    return Rules(days=days, runs=task.keep_runs, megabytes=task.keep_megabytes)


def global_rules() -> Rules:
    return Rules(
        runs=settings.RETENTION_RUNS or None, megabytes=settings.RETENTION_MEGABYTES or None
    )


@dataclass
class _Kept:
    """What is known of a task's runs, or of all, so far: from the newest on."""

    rules: Rules
    runs: int = 0
    size: int = 0
    last: set[str] = field(default_factory=set)

    def protects(self, status: str) -> bool:
        """The last good one and the last failed one; one that needs a look doesn't stand for the
        good one that people compare it with."""
        ends = ENDS.get(status, set()) - self.last
        self.last |= ends
        return bool(ends)


def preview(
    *, task_id: str | None = None, rules: Rules | None = None, now: datetime | None = None
) -> list[Doomed]:
    """What would go now. `rules` tries others than those that are set."""
    now = now or timezone.now()
    of_tasks = {task.pk: rules or rules_of(task) for task in Task.objects.only(*LIMITS)}
    of_gone = rules or rules_of(None)
    in_all = _Kept(global_rules() if task_id is None and rules is None else Rules())
    runs = Run.objects.filter(status__in=TERMINAL)
    if task_id is not None:
        runs = runs.filter(task_key=task_id)
    # A run ends after the moment under which it is listed.
    young = _youngest([*of_tasks.values(), of_gone, in_all.rules], now)
    known: dict[str, _Kept] = {}
    if young is not None:
        known = _known_of(runs.filter(at__gte=young), of_tasks, of_gone)
        runs = runs.filter(at__lt=young)
    doomed = []
    for run in runs.only(*SHOWN).newest_first().iterator(chunk_size=2000):
        if run.task_key not in known:
            known[run.task_key] = _Kept(of_tasks.get(run.task_id or 0, of_gone))
        found = _judged(run, known[run.task_key], in_all, now)
        doomed += [found] if found else []
    return doomed


def _youngest(rules: Sequence[Rules], now: datetime) -> datetime | None:
    """Younger runs stay whatever they are; None where runs are counted or weighed."""
    if any(each.runs is not None or each.megabytes is not None for each in rules):
        return None
    days = min((each.days for each in rules if each.days is not None), default=None)
    return None if days is None else now - timedelta(days=days)


def _known_of(
    runs: QuerySet[Run], of_tasks: Mapping[int, Rules], of_gone: Rules
) -> dict[str, _Kept]:
    """Of runs that are too young to go: counted by the database, since nearly all are."""
    found: dict[str, _Kept] = {}
    groups = runs.order_by().values_list("task_key", "task_id", "status").annotate(Max("at"))
    for key, task_id, status, _at in sorted(groups, key=itemgetter(3), reverse=True):
        found.setdefault(key, _Kept(of_tasks.get(task_id or 0, of_gone))).protects(status)
    return found


def clean_up(doomed: Sequence[Doomed]) -> Removed:
    """Rows first: a folder without a row is found again, a row without its folder would dangle."""
    ids: list[UUID] = [each.run.pk for each in doomed]
    count = forget_runs(run_ids=ids)
    for each in doomed:
        remove_folder(each.run)
    removed = Removed(count, sum(each.size for each in doomed))
    if count:
        logger.info("%s old runs removed, %s MB", count, removed.size // MEGABYTE)
    return removed


def remove_unwanted(*run_ids: UUID) -> int:
    """Ended runs whose task was deleted with its history while they ran; without ids, all."""
    runs = Run.objects.ended().filter(is_unwanted=True).only(*SHOWN)
    if run_ids:
        runs = runs.filter(pk__in=run_ids)
    return clean_up([Doomed(run, "age", 0) for run in runs]).runs


def _judged(run: Run, kept: _Kept, in_all: _Kept, now: datetime) -> Doomed | None:
    """Comes newest first, so that what is over a limit is the oldest."""
    is_protected = kept.protects(run.status)
    weighs = kept.rules.megabytes is not None or in_all.rules.megabytes is not None
    size = _size(run) if weighs else 0
    for limits in (kept, in_all):
        why = _reason(run, limits.rules, now, limits.runs, limits.size + size)
        if why is not None and not is_protected:
            return Doomed(run, why, size or _size(run))
        limits.runs, limits.size = limits.runs + 1, limits.size + size
    return None


def _reason(run: Run, rules: Rules, now: datetime, count: int, total: int) -> Why | None:
    if rules.days is not None and (run.finished_at or run.at) < now - timedelta(days=rules.days):
        return "age"
    if rules.runs is not None and count >= rules.runs:
        return "number"
    if rules.megabytes is not None and total > rules.megabytes * MEGABYTE:
        return "size"
    return None


def _size(run: Run) -> int:
    return size_of(folder_of(run.task_key, run.pk))

"""Which ended runs may go: by age, number and size, per task and in all. The last good and the last
failed run of each task always stay."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from tasks.execution.folder import folder_of, remove_folder, size_of
from tasks.models import TERMINAL, Run, Task
from tasks.services.history import forget_runs

logger = logging.getLogger(__name__)
Why = Literal["age", "number", "size"]
GOOD = {Run.Status.SUCCEEDED, Run.Status.SUSPICIOUS}
MEGABYTE = 1024 * 1024


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


def preview(
    *, task_id: str | None = None, rules: Rules | None = None, now: datetime | None = None
) -> list[Doomed]:
    """What would go now. `rules` tries others than those that are set."""
    now = now or timezone.now()
    kept: list[Run] = []
    doomed: list[Doomed] = []
    for runs in _by_task(task_id):
        limits = rules or rules_of(runs[0].task)
        going = _over(runs, limits, protected_of(runs), now)
        doomed += going
        gone = {each.run.pk for each in going}
        kept += [run for run in runs if run.pk not in gone]
    if task_id is None and rules is None:
        doomed += _over_in_all(kept, now)
    return doomed


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


def protected_of(runs: Sequence[Run]) -> set[UUID]:
    """Of newest first: the last good one and the last failed one."""
    good = next((run.pk for run in runs if run.status in GOOD), None)
    failed = next((run.pk for run in runs if run.status == Run.Status.FAILED), None)
    return {pk for pk in (good, failed) if pk is not None}


def _by_task(task_id: str | None) -> Iterator[list[Run]]:
    rows = Run.objects.filter(status__in=TERMINAL).select_related("task").newest_first()
    if task_id is not None:
        rows = rows.filter(task_key=task_id)
    wanted = rows.defer("stats", "progress", "arguments", "settings", "detail", "secrets")
    found: dict[str, list[Run]] = defaultdict(list)
    for run in wanted.iterator(chunk_size=2000):
        found[run.task_key].append(run)
    yield from found.values()


def _over(runs: Sequence[Run], rules: Rules, protected: set[UUID], now: datetime) -> list[Doomed]:
    """Newest first, so that what is over a limit is the oldest."""
    oldest = now - timedelta(days=rules.days) if rules.days is not None else None
    doomed: list[Doomed] = []
    count = total = 0
    for run in runs:
        size = _size(run) if rules.megabytes is not None else 0
        why = _reason(run, rules, oldest, count, total + size)
        if why is not None and run.pk not in protected:
            doomed.append(Doomed(run, why, size or _size(run)))
        else:
            count, total = count + 1, total + size
    return doomed


def _reason(run: Run, rules: Rules, oldest: datetime | None, count: int, total: int) -> Why | None:
    if oldest is not None and (run.finished_at or run.at) < oldest:
        return "age"
    if rules.runs is not None and count >= rules.runs:
        return "number"
    if rules.megabytes is not None and total > rules.megabytes * MEGABYTE:
        return "size"
    return None


def _over_in_all(runs: list[Run], now: datetime) -> list[Doomed]:
    rules = global_rules()
    if rules == Rules():
        return []
    newest_first = sorted(runs, key=lambda run: (run.at, run.pk), reverse=True)
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in newest_first:
        groups[run.task_key].append(run)
    protected = {pk for group in groups.values() for pk in protected_of(group)}
    return _over(newest_first, rules, protected, now)


def _size(run: Run) -> int:
    return size_of(folder_of(run.task_key, run.pk))

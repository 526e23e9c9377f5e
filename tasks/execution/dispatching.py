"""Takes queued runs, for one host. A claim is one conditional update: of many, one gets it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from tasks.handlers import HANDLERS
from tasks.models import Run, Task
from tasks.services.moves import move

Status = Run.Status
CANDIDATES = 200
TURNS = 10
# A waiting run gains one step of priority per this many seconds, so that none waits for ever.
SECONDS_PER_STEP = 300
KINDS = tuple(HANDLERS)


class Places:
    """How many runs may still start here: in all, per task, per website."""

    def __init__(self, active: Iterable[Run], *, total: int, per_domain: int) -> None:
        running = list(active)
        self.free = total - len(running)
        self.per_domain = per_domain
        self.tasks = Counter(run.task_id for run in running)
        self.domains = Counter(domain for run in running for domain in domains_of(run))

    def has_room_for(self, run: Run) -> bool:
        if self.free <= 0:
            return False
        if run.trigger != Run.Trigger.TEST and self.tasks[run.task_id] >= limit_of(run.task):
            return False
        crowded = (self.domains[domain] >= self.per_domain for domain in domains_of(run))
        return not (self.per_domain and any(crowded))

    def take(self, run: Run) -> None:
        self.free -= 1
        self.tasks[run.task_id] += 1
        self.domains.update(domains_of(run))

    def give_back(self, run: Run) -> None:
        self.free += 1
        self.tasks[run.task_id] -= 1
        self.domains.subtract(domains_of(run))


def limit_of(task: Task | None) -> int:
    if task is None or task.overlap_policy != Task.Overlap.ALLOW:
        return 1
    return task.max_instances


def domains_of(run: Run) -> set[str]:
    """The websites that its arguments name."""
    texts = [value for value in run.arguments.values() if isinstance(value, (str, list))]
    words = [word for text in texts for word in (text if isinstance(text, list) else text.split())]
    hosts = (_host(str(word)) for word in words)
    return {host for host in hosts if host}


def _host(word: str) -> str:
    if not word.startswith(("http://", "https://")):
        return ""
    try:
        return urlsplit(word).hostname or ""
    except ValueError:
        return ""


def waiting_runs(*, host: str, executor: str, default: bool, now: datetime) -> list[Run]:
    """Who is next: by priority and waiting time, the tasks taking turns."""
    executors = [executor, ""] if default else [executor]
    rows = (
        Run.objects.waiting()
        .filter(executor__in=executors, host__in=["", host], kind__in=KINDS, task__isnull=False)
        .filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
        .select_related("task")
    )
    found = list(rows.order_by()[: CANDIDATES + 1])
    turns = _turns(found) if len(found) <= CANDIDATES else _first_of_each_task(rows)
    return sorted(turns, key=lambda run: _rank(run, turns[run], now))


def _turns(runs: Iterable[Run]) -> dict[Run, int]:
    """How many of its task are before each run and itself; the oldest is the task's first."""
    seen: Counter[int | None] = Counter()
    turns = {}
    for run in sorted(runs, key=lambda run: run.queued_at):
        seen[run.task_id] += 1
        turns[run] = seen[run.task_id]
    return turns


def _first_of_each_task(rows: QuerySet[Run]) -> dict[Run, int]:
    """The same of a queue too long to be read whole."""
    window = Window(RowNumber(), partition_by=F("task"), order_by="queued_at")
    first = rows.annotate(turn=window).filter(turn__lte=TURNS)
    chosen = first.order_by("-priority", "turn", "queued_at")[:CANDIDATES]
    return {run: run.turn for run in chosen}


def _rank(run: Run, turn: int, now: datetime) -> tuple[float, int, datetime]:
    waited = (now - run.queued_at).total_seconds()
    return (-(run.priority + waited // SECONDS_PER_STEP), turn, run.queued_at)


def claim(run: Run, *, host: str, executor: str, now: datetime) -> bool:
    token = secrets.token_hex(16)
    if not move(
        run.pk,
        source=Status.QUEUED,
        target=Status.STARTING,
        host=host,
        executor=executor,
        heartbeat_at=now,
        claim_token=token,
    ):
        return False
    run.status, run.claim_token, run.host, run.executor = Status.STARTING, token, host, executor
    return True


def give_back(run: Run) -> bool:
    """Queued again: nothing was started under its claim, and nothing can be."""
    given = move(
        run.pk,
        source=Status.STARTING,
        target=Status.QUEUED,
        token=run.claim_token,
        claim_token="",
        host="",
        heartbeat_at=None,
    )
    if given:
        run.status = Status.QUEUED
    return given

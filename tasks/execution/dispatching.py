"""Takes queued runs, for one host. A claim is one conditional update: of many, one gets it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from tasks.models import Run, Task
from tasks.services.addresses import addresses_in
from tasks.services.moves import move

Status = Run.Status


class Candidate(NamedTuple):
    """As much of a waiting run as its turn and its room depend on: a queue may be long."""

    pk: UUID
    task_id: int
    priority: int
    queued_at: datetime
    trigger: str
    arguments: dict[str, Any]
    overlap_policy: str
    max_instances: int

    @property
    def task(self) -> Candidate:
        return self


class Places:
    """How many runs may still start here: in all, per task, per website."""

    def __init__(self, active: Iterable[Run], *, total: int, per_domain: int) -> None:
        running = list(active)
        self.free = total - len(running)
        self.per_domain = per_domain
        self.tasks = Counter(run.task_id for run in running)
        self.domains = Counter(domain for run in running for domain in domains_of(run))

    def has_room_for(self, run: Run | Candidate) -> bool:
        """Beside the question whether there is any free place at all."""
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


def limit_of(task: Task | Candidate | None) -> int:
    if task is None or task.overlap_policy != Task.Overlap.ALLOW:
        return 1
    return task.max_instances


def domains_of(run: Run | Candidate) -> set[str]:
    """The websites that its arguments name."""
    texts = [value for value in run.arguments.values() if isinstance(value, (str, list))]
    lists = [text if isinstance(text, list) else addresses_in(text) for text in texts]
    words = [word for words in lists for word in words]
    hosts = (_host(str(word)) for word in words)
    return {host for host in hosts if host}


def _host(word: str) -> str:
    if not word.startswith(("http://", "https://")):
        return ""
    try:
        return urlsplit(word).hostname or ""
    except ValueError:
        return ""


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

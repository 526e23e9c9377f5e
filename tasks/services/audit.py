from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.models import AuditEntry, Task
from tasks.services.actors import Actor

Changes = dict[str, list[Any]]


def record(
    *, actor: Actor, action: str, task: Task | None = None, changes: Changes | None = None
) -> AuditEntry:
    entry = _entry(actor, action, task, changes)
    entry.save(force_insert=True)
    return entry


def record_all(*, actor: Actor, action: str, changes: Iterable[tuple[Task, Changes]]) -> None:
    """The same action on many tasks, in a few statements."""
    AuditEntry.objects.bulk_create(_entry(actor, action, task, each) for task, each in changes)


def _entry(actor: Actor, action: str, task: Task | None, changes: Changes | None) -> AuditEntry:
    return AuditEntry(
        actor=actor.user,
        actor_name=actor.name,
        via=actor.via,
        action=action,
        task=task,
        task_key=task.task_id if task else "",
        changes=changes or {},
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: [before.get(name), after.get(name)]
        for name in names
        if before.get(name) != after.get(name)
    }

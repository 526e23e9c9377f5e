from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.models import AuditEntry, Task
from tasks.services.actors import Actor

Changes = dict[str, list[Any]]


def record(
    *, actor: Actor, action: str, task: Task | None = None, changes: Changes | None = None
) -> AuditEntry:
    return AuditEntry.objects.create(
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

"""Takes back the last change of a task."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tasks.models import AuditEntry
from tasks.secrets import MASK
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import Conflict
from tasks.services.tasks import get_task, update_task
from tasks.services.writing import state_of_task

UNDOABLE = ("change", "enable", "disable")
# Told, but not how it was before.
UNKNOWN = {"note", "secrets"}


def last_change(*, task_id: str) -> AuditEntry | None:
    entry = AuditEntry.objects.filter(task=get_task(task_id), action__in=["create", *UNDOABLE])
    newest = entry.first()
    if newest is None or newest.action not in UNDOABLE or not set(newest.changes) - UNKNOWN:
        return None
    return newest


def undo_last_change(*, task_id: str, actor: Actor = PYTHON, seen: int | None = None) -> None:
    """Puts back the values of before. Raises Conflict where they are no longer what it made, or
    where the last change isn't the entry that somebody has `seen`: it may be the undo itself.
    """
    actor.demand("change_task")
    with transaction.atomic():
        entry = last_change(task_id=task_id)
        if entry is None:
            raise Conflict(_("There is no change to undo."))
        if seen is not None and entry.pk != seen:
            raise Conflict(_("The task was changed again since; undo is no longer possible."))
        task = get_task(task_id)
        now = state_of_task(task)
        changes = {name: pair for name, pair in entry.changes.items() if name not in UNKNOWN}
        if any(now.get(name) != after for name, (_before, after) in changes.items()):
            raise Conflict(_("The task was changed again since; undo is no longer possible."))
        before = {name: pair[0] for name, pair in changes.items()}
        update_task(task_id=task_id, actor=actor, **_as_fields(before))


def _as_fields(before: dict[str, Any]) -> dict[str, Any]:
    if "arguments" in before:
        # Masked values stand for secrets, which were never recorded: the stored ones stay.
        plain = before["arguments"].items()
        before["arguments"] = {name: value for name, value in plain if value != MASK}
    before.pop("owner", None)
    return before

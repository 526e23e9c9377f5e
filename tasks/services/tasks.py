from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Schedule, Task
from tasks.secrets import unseal
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.creating import create_task, free_task_id
from tasks.services.errors import Conflict, InvalidInput, NotFound
from tasks.services.history import forget_history, remove_files_of_task
from tasks.services.runs import request_cancel
from tasks.services.schedules import replace_schedules, start_all_over, state_of
from tasks.services.writing import (
    PLAIN,
    Schedules,
    prepare,
    refuse_unknown,
    saving,
    secret_changes,
    state_of_task,
    tags_named,
)


def get_task(task_id: str) -> Task:
    task = Task.objects.filter(task_id=task_id).first()
    if task is None:
        raise NotFound({"task_id": [_("There is no task “%s”.") % str(task_id)[:100]]})
    return task


def update_task(
    *,
    task_id: str,
    actor: Actor = PYTHON,
    schedules: Schedules | None = None,
    expected_version: int | None = None,
    **changes: Any,
) -> Task:
    """Changes the given fields; `schedules` replaces them all.

    Raises Conflict when the task is no longer at `expected_version`.
    """
    actor.demand("change_task")
    refuse_unknown(changes)
    with transaction.atomic():
        task = _lock(task_id)
        if expected_version is not None and task.version != expected_version:
            raise Conflict(
                _("Somebody else changed this task meanwhile. Load it again to see the changes.")
            )
        stored, before = copy(task), state_of_task(task)
        if (enabled := changes.pop("enabled", None)) is not None:
            _switch(task, on=bool(enabled), note="", actor=actor)
        task.version += 1
        _write(task, changes, schedules, actor)
        changed = audit.difference(before, state_of_task(task)) | secret_changes(stored, task)
        if changed:
            audit.record(actor=actor, action="change", task=task, changes=changed)
    return task


def _lock(task_id: str) -> Task:
    task = Task.objects.select_for_update().filter(task_id=task_id).first()
    return task or get_task(task_id)


def _write(
    task: Task, fields: Mapping[str, Any], schedules: Schedules | None, actor: Actor
) -> None:
    prepare(task, fields, actor=actor, before=copy(task))
    with saving(task):
        task.save()
    if "tags" in fields:
        task.tags.set(tags_named(fields["tags"]))
    if schedules is not None:
        replace_schedules(task, schedules)


def enable_task(*, task_id: str, actor: Actor = PYTHON) -> Task:
    return _set_enabled(task_id, on=True, note="", actor=actor)


def disable_task(*, task_id: str, note: str = "", actor: Actor = PYTHON) -> Task:
    """Nothing fires while it is off; what already runs goes on."""
    return _set_enabled(task_id, on=False, note=note, actor=actor)


def _set_enabled(task_id: str, *, on: bool, note: str, actor: Actor) -> Task:
    actor.demand("operate_task")
    if len(note) > 500 or "\x00" in note:
        raise InvalidInput({"note": [_("A note has at most 500 characters.")]})
    with transaction.atomic():
        task = _lock(task_id)
        changes = {"enabled": [task.enabled, on]} | ({"note": ["", note]} if note else {})
        if task.enabled == on and not note:
            return task
        _switch(task, on=on, note=note, actor=actor)
        task.version += 1
        task.save()
        audit.record(actor=actor, action="enable" if on else "disable", task=task, changes=changes)
    return task


def _switch(task: Task, *, on: bool, note: str, actor: Actor) -> None:
    switched, task.enabled = on != task.enabled, on
    if switched and task.pk:
        start_all_over(task)  # nothing fires for the time it was off
    task.disabled_note = "" if on else note
    task.disabled_by = "" if on else actor.name
    task.disabled_at = None if on else timezone.now()


def remove_task(*, task_id: str, keep_history: bool = True, actor: Actor = PYTHON) -> None:
    """Deletes the task and its schedules, stops its runs, and keeps or deletes its history."""
    actor.demand("delete_task")
    with transaction.atomic():
        task = _lock(task_id)
        followers = Schedule.objects.filter(after_task=task).exclude(task=task)
        names = sorted({each.task.name for each in followers.select_related("task")})
        if names:
            raise Conflict(_("These tasks run after it: %s. Change them first.") % ", ".join(names))
        for run in task.runs.active():
            request_cancel(run, actor=actor)
        audit.record(
            actor=actor, action="delete", task=task,
            changes=audit.difference(state_of_task(task), {}),
        )  # fmt: skip
        if not keep_history:
            forget_history(task)
        transaction.on_commit(partial(remove_files_of_task, task.task_id))
        task.delete()


def duplicate_task(*, task_id: str, name: str = "", actor: Actor = PYTHON) -> Task:
    """A copy that is off, with the same schedules, secrets included."""
    actor.demand("add_task")
    original = get_task(task_id)
    name = name or _("Copy of %s") % original.name
    fields = {each: getattr(original, each) for each in PLAIN if each not in NOT_COPIED}
    with transaction.atomic():
        return create_task(
            task_id=free_task_id(name),
            actor=actor,
            enabled=False,
            schedules=[state_of(each) for each in original.schedules.all()],
            **{**fields, "name": name[:200], "settings": original.settings},
            tags=[tag.name for tag in original.tags.all()],
            arguments={**original.arguments, **_unsealed(original)},
        )


NOT_COPIED = ("user_id", "fingerprint")


def _unsealed(task: Task) -> dict[str, Any]:
    return {name: unseal(token) for name, token in task.secrets.items()}


def default_catch_up_window(task: Task) -> int:
    window = task.catch_up_window
    return int(settings.SCHEDULER_MISFIRE_GRACE_TIME) if window is None else window

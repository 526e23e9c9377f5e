from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tasks.executors import EXECUTORS
from tasks.handlers import HANDLERS, handler_of
from tasks.models import Run, Schedule, Tag, Task
from tasks.secrets import MASK, unseal
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.arguments import clean_task_arguments
from tasks.services.errors import Conflict, InvalidInput, NotFound
from tasks.services.history import remove_files_of_task
from tasks.services.runs import request_cancel
from tasks.services.schedules import replace_schedules, start_all_over, state_of
from tasks.spider_settings import InvalidSetting, clean_settings

# What people set on a task; schedules, arguments, settings and tags have their own rules.
PLAIN = (
    "name", "description", "kind", "spider", "owner", "timeout", "no_progress_timeout",
    "memory_limit_mb", "max_retries", "retry_delay", "overlap_policy", "max_instances", "catch_up",
    "catch_up_window", "executor", "priority", "allow_empty", "min_items", "usual_share",
    "max_errors", "http_cache", "http_cache_ttl", "keep_days", "keep_runs", "keep_megabytes",
    "user_id", "fingerprint",
)  # fmt: skip
WRITABLE = {*PLAIN, "arguments", "settings", "tags", "enabled"}

Schedules = Sequence[Mapping[str, Any]]


def get_task(task_id: str) -> Task:
    task = Task.objects.filter(task_id=task_id).first()
    if task is None:
        raise NotFound({"task_id": [_("There is no task “%s”.") % str(task_id)[:100]]})
    return task


def state_of_task(task: Task) -> dict[str, Any]:
    """The task and its schedules as JSON values, secrets masked: for the audit."""
    state = {name: getattr(task, name) for name in PLAIN if name != "owner"}
    state["owner"] = task.owner.get_username() if task.owner else None
    state["enabled"] = task.enabled
    state["arguments"] = {**task.arguments, **dict.fromkeys(task.secrets, MASK)}
    state["settings"] = task.settings
    state["tags"] = sorted(tag.name for tag in task.tags.all())
    state["schedules"] = [
        state_of(each) for each in task.schedules.select_related("after_task").order_by("key")
    ]
    return state


def create_task(
    *, task_id: str = "", actor: Actor = PYTHON, schedules: Schedules = (), **fields: Any
) -> Task:
    """Raises InvalidInput with the messages by field; nothing is saved then."""
    actor.demand("add_task")
    _refuse_unknown(fields)
    name = str(fields.get("name") or task_id)
    task = Task(task_id=task_id or free_task_id(name), enabled=fields.pop("enabled", True))
    try:
        with transaction.atomic():
            _write(task, {**fields, "name": name}, schedules)
            audit.record(
                actor=actor, action="create", task=task,
                changes=audit.difference({}, state_of_task(task)),
            )  # fmt: skip
    except IntegrityError:
        # Somebody else took the id between our look and our write.
        raise Conflict(_("There is already a task “%s”.") % task.task_id) from None
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
    _refuse_unknown(changes)
    with transaction.atomic():
        task = _lock(task_id)
        if expected_version is not None and task.version != expected_version:
            raise Conflict(
                _("Somebody else changed this task meanwhile. Load it again to see the changes.")
            )
        before = state_of_task(task)
        if (enabled := changes.pop("enabled", None)) is not None:
            _switch(task, on=bool(enabled), note="", actor=actor)
        task.version += 1
        _write(task, changes, schedules)
        changed = audit.difference(before, state_of_task(task))
        if changed:
            audit.record(actor=actor, action="change", task=task, changes=changed)
    return task


def _lock(task_id: str) -> Task:
    task = Task.objects.select_for_update().filter(task_id=task_id).first()
    return task or get_task(task_id)


def _refuse_unknown(fields: Iterable[str]) -> None:
    if unknown := sorted(set(fields) - WRITABLE):
        raise InvalidInput({name: [_("There is no field of this name.")] for name in unknown})


def _write(task: Task, fields: Mapping[str, Any], schedules: Schedules | None) -> None:
    errors: dict[str, list[str]] = {}
    for name in PLAIN:
        if name in fields:
            setattr(task, name, fields[name])
    for step in (_set_settings, _set_arguments, _full_clean):
        try:
            step(task, fields)
        except InvalidInput as error:
            errors.update(error.errors)
    if errors:
        raise InvalidInput(errors)
    task.save()
    if "tags" in fields:
        task.tags.set(_tags(fields["tags"]))
    if schedules is not None:
        replace_schedules(task, schedules)


def _set_settings(task: Task, fields: Mapping[str, Any]) -> None:
    if "settings" not in fields:
        return
    if not isinstance(fields["settings"], Mapping):
        raise InvalidInput({"settings": [_("Settings are pairs of a name and a value.")]})
    try:
        task.settings = clean_settings(fields["settings"])
    except InvalidSetting as error:
        raise InvalidInput({f"settings.{error.field}": [str(error)]}) from None


def _set_arguments(task: Task, fields: Mapping[str, Any]) -> None:
    if not {"arguments", "spider", "kind"} & set(fields):
        return
    raw = fields.get("arguments", task.arguments)
    if not isinstance(raw, Mapping):
        raise InvalidInput({"arguments": [_("Arguments are pairs of a name and a value.")]})
    if task.kind not in HANDLERS:
        return  # named by the model's own check
    task.spider = handler_of(task.kind).spider_of(task.spider)
    cleaned = clean_task_arguments(
        kind=task.kind,
        spider=task.spider,
        raw=raw,
        stored_secrets=task.secrets,
        stored=_stored_arguments(task),
    )
    task.arguments, task.secrets = cleaned.plain, cleaned.sealed


def _stored_arguments(task: Task) -> dict[str, Any]:
    before = Task.objects.filter(pk=task.pk, spider=task.spider).first()
    return before.arguments if before else {}


def _full_clean(task: Task, fields: Mapping[str, Any]) -> None:
    if any(character in str(task.name) for character in "\x00\r\n"):
        raise InvalidInput({"name": [_("The name must be one line of text.")]})
    if task.executor and task.executor not in EXECUTORS:
        raise InvalidInput({"executor": [_("Choose one of: %s.") % ", ".join(EXECUTORS)]})
    try:
        task.full_clean(exclude=["arguments", "settings"])
    except ValidationError as error:
        raise InvalidInput(error.message_dict) from None


def _tags(names: Iterable[str | Tag]) -> list[Tag]:
    cleaned = sorted({str(name).strip() for name in names} - {""})
    if any(len(name) > 50 or "\x00" in name for name in cleaned):
        raise InvalidInput({"tags": [_("A tag has at most 50 characters.")]})
    return [Tag.objects.get_or_create(name=name)[0] for name in cleaned]


def free_task_id(name: str) -> str:
    stem = (slugify(name) or "task")[:90].strip("-") or "task"
    pattern = re.compile(rf"{re.escape(stem)}(-[0-9]+)?\Z")
    rows = Task.objects.filter(task_id__startswith=stem).values_list("task_id", flat=True)
    taken = {task_id for task_id in rows if pattern.match(task_id)}
    number = 2
    free = stem
    while free in taken:
        free = f"{stem}-{number}"
        number += 1
    return free


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
            Run.objects.filter(task=task).exclude(status__in=["starting", "running"]).delete()
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

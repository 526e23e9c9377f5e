"""Changes of stored tasks: any number in a fixed number of statements, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tasks import secrets
from tasks.models import Schedule, Tag, Task
from tasks.services import audit
from tasks.services.actors import Actor
from tasks.services.arguments import Schemas
from tasks.services.creating import SomeRefused
from tasks.services.errors import InvalidInput
from tasks.services.schedules import Upstreams, read_schedules
from tasks.services.writing import (
    Schedules,
    every_problem_of,
    prepare,
    refuse_broken_rules,
    refuse_unknown,
    secret_changes,
    state_with,
    tag_names,
    tags_named,
)

TASK_COLUMNS = [
    each.name
    for each in Task._meta.concrete_fields
    if each.name not in {"id", "task_id", "created_at"}
]
SCHEDULE_COLUMNS = [
    each.name
    for each in Schedule._meta.concrete_fields
    if each.name not in {"id", "task", "key", "created_at"}
]


@dataclass(frozen=True, kw_only=True)
class TaskChange:
    task_id: str
    fields: Mapping[str, Any]
    schedules: Schedules
    # Why it is off, where it is.
    note: str = ""


@dataclass
class Edit:
    """A task as it was and as it becomes."""

    before: Task
    task: Task
    tags: list[str] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    changes: audit.Changes = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        return bool(self.changes or self.note_changed)

    @property
    def note_changed(self) -> bool:
        return self.before.disabled_note != self.task.disabled_note

    @cached_property
    def secrets_changed(self) -> list[str]:
        return secrets.changed(self.before.secrets, self.task.secrets)

    @property
    def secrets_kept(self) -> list[str]:
        return sorted(set(self.task.secrets) & set(self.before.secrets) - {*self.secrets_changed})

    def compare(self) -> None:
        tags, schedules = self.before.tags.all(), self.before.schedules.all()
        before = state_with(self.before, tags=tags, schedules=schedules)
        named = [Tag(name=name) for name in self.tags]
        after = state_with(self.task, tags=named, schedules=self.schedules)
        self.changes = audit.difference(before, after) | secret_changes(self.before, self.task)


def stored_tasks() -> QuerySet[Task]:
    """With all that a change compares."""
    return Task.objects.select_related("owner").prefetch_related("tags", "schedules__after_task")


def change_tasks(*, changes: Sequence[TaskChange], actor: Actor) -> list[Edit]:
    """1. Check each change. 2. Write those that change something. 3. Where the database refuses,
    ask which it was.

    Raises SomeRefused; the caller holds the transaction.
    """
    actor.demand("change_task")
    edits = _checked(changes, actor)
    changed = [each for each in edits if each.is_changed]
    try:
        with transaction.atomic():
            _write(changed, actor)
    except IntegrityError:
        raise SomeRefused(_broken(edits)) from None
    return edits


def _checked(changes: Sequence[TaskChange], actor: Actor) -> list[Edit]:
    check = Check(changes, actor)
    edits: list[Edit] = []
    refusals: dict[int, InvalidInput] = {}
    for place, each in enumerate(changes):
        try:
            edits.append(check.edit(each))
        except InvalidInput as error:
            refusals[place] = error
    if refusals:
        raise SomeRefused(refusals)
    return edits


class Check:
    """What all of the changes are held against is read once."""

    def __init__(self, changes: Sequence[TaskChange], actor: Actor) -> None:
        self.actor = actor
        names = [each.task_id for each in changes]
        locked = stored_tasks().select_for_update(of=("self",)).order_by("pk")
        self.stored = {task.task_id: task for task in locked.filter(task_id__in=names)}
        self.schemas = Schemas()
        self.upstreams = Upstreams(each.schedules for each in changes)

    def edit(self, change: TaskChange) -> Edit:
        refuse_unknown(change.fields)
        before = self.stored[change.task_id]
        edit = Edit(before, copy(before))
        fields = dict(change.fields)
        self._switch(edit, on=bool(fields.pop("enabled", before.enabled)), note=change.note)
        told: dict[str, Any] = {"actor": self.actor, "schemas": self.schemas, "before": before}
        every_problem_of(
            partial(prepare, edit.task, fields, **told),
            partial(self._tag, edit, fields),
            partial(self._plan, edit, change.schedules),
        )
        edit.compare()
        return edit

    def _switch(self, edit: Edit, *, on: bool, note: str) -> None:
        task, note = edit.task, "" if on else note
        if (task.enabled, task.disabled_note) == (on, note):
            return
        if note:
            self.actor.demand("operate_task")
        task.enabled, task.disabled_note = on, note
        task.disabled_by = "" if on else self.actor.name
        task.disabled_at = None if on else timezone.now()

    def _tag(self, edit: Edit, fields: Mapping[str, Any]) -> None:
        old = [tag.name for tag in edit.before.tags.all()]
        edit.tags = tag_names(fields["tags"]) if "tags" in fields else old

    def _plan(self, edit: Edit, data: Schedules) -> None:
        stored = {each.key: each for each in edit.before.schedules.all()}
        edit.schedules = read_schedules(edit.task, data, stored=stored, upstreams=self.upstreams)


def _write(edits: Sequence[Edit], actor: Actor) -> None:
    for edit in edits:
        edit.task.version += 1
    Task.objects.bulk_create(
        [edit.task for edit in edits],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=TASK_COLUMNS,
    )
    _write_tags([edit for edit in edits if "tags" in edit.changes])
    _write_schedules(edits)
    audit.record_all(
        actor=actor,
        action="change",
        changes=[(edit.task, edit.changes) for edit in edits if edit.changes],
    )
    audit.record_all(
        actor=actor,
        action="disable",
        changes=[
            (edit.task, {"note": [edit.before.disabled_note, edit.task.disabled_note]})
            for edit in edits
            if edit.note_changed and edit.task.disabled_note
        ],
    )


def _write_tags(edits: Sequence[Edit]) -> None:
    if not edits:
        return
    through = Task.tags.through
    through.objects.filter(task__in=[edit.task.pk for edit in edits]).delete()
    tags = {tag.name: tag for tag in tags_named({name for edit in edits for name in edit.tags})}
    through.objects.bulk_create(
        through(task=edit.task, tag=tags[name]) for edit in edits for name in edit.tags
    )


def _write_schedules(edits: Sequence[Edit]) -> None:
    wanted = [each for edit in edits for each in edit.schedules]
    kept = {each.pk for each in wanted if each.pk}
    before = {each.pk for edit in edits for each in edit.before.schedules.all()}
    if gone := before - kept:
        Schedule.objects.filter(pk__in=gone).delete()
    Schedule.objects.bulk_create(
        [each for each in wanted if each.pk],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=SCHEDULE_COLUMNS,
    )
    Schedule.objects.bulk_create([each for each in wanted if not each.pk])


def _broken(edits: Sequence[Edit]) -> dict[int, InvalidInput]:
    refusals: dict[int, InvalidInput] = {}
    for place, edit in enumerate(edits):
        try:
            refuse_broken_rules(edit.task)
        except InvalidInput as error:
            refusals[place] = error
    return refusals

"""New tasks: any number in a fixed number of statements, all of them or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.validators import slug_re
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tasks.models import Schedule, Tag, Task
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.arguments import Schemas
from tasks.services.errors import Conflict, InvalidInput
from tasks.services.schedules import Upstreams, read_schedules
from tasks.services.writing import (
    Schedules,
    every_problem_of,
    prepare,
    refuse_broken_rules,
    refuse_unknown,
    state_with,
    tag_names,
    tags_named,
)


@dataclass(frozen=True, kw_only=True)
class NewTask:
    fields: Mapping[str, Any]
    schedules: Schedules = ()
    task_id: str = ""


class SomeRefused(InvalidInput):
    """Nothing was saved; `refusals` says what is wrong by the place of the task."""

    def __init__(self, refusals: Mapping[int, InvalidInput]) -> None:
        self.refusals = dict(refusals)
        super().__init__(
            {
                f"{place}.{name}": texts
                for place, refusal in self.refusals.items()
                for name, texts in refusal.errors.items()
            }
        )


def create_task(
    *, task_id: str = "", actor: Actor = PYTHON, schedules: Schedules = (), **fields: Any
) -> Task:
    """Raises InvalidInput with the messages by field; nothing is saved then."""
    new = NewTask(task_id=task_id, fields=fields, schedules=schedules)
    try:
        return create_tasks(new=[new], actor=actor)[0]
    except SomeRefused as error:
        raise error.refusals[0] from None


def create_tasks(*, new: Sequence[NewTask], actor: Actor = PYTHON) -> list[Task]:
    """1. Check each task. 2. Write them all. 3. Where the database refuses, ask which it was.

    Raises SomeRefused.
    """
    actor.demand("add_task")
    drafts = _checked(new, actor)
    try:
        with transaction.atomic():
            _insert(drafts, actor)
    except IntegrityError:
        raise SomeRefused(_broken(drafts)) from None
    return [draft.task for draft in drafts]


@dataclass
class Draft:
    task: Task
    schedules: list[Schedule] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def _checked(new: Sequence[NewTask], actor: Actor) -> list[Draft]:
    check = Check(new, actor)
    drafts: list[Draft] = []
    refusals: dict[int, InvalidInput] = {}
    for place, each in enumerate(new):
        try:
            drafts.append(check.draft(each, check.ids[place]))
        except InvalidInput as error:
            refusals[place] = error
    if refusals:
        raise SomeRefused(refusals)
    return drafts


class Check:
    """What all of the new tasks are held against is read once."""

    def __init__(self, new: Sequence[NewTask], actor: Actor) -> None:
        self.actor = actor
        self.ids = _ids(new)
        self.taken = _taken(self.ids)
        self.schemas = Schemas()
        self.upstreams = Upstreams(each.schedules for each in new)

    def draft(self, new: NewTask, task_id: str) -> Draft:
        refuse_unknown(new.fields)
        fields = {**new.fields, "name": str(new.fields.get("name") or new.task_id)}
        draft = Draft(Task(task_id=task_id, enabled=fields.pop("enabled", True)))
        every_problem_of(
            partial(prepare, draft.task, fields, actor=self.actor, schemas=self.schemas),
            partial(self._tag, draft, fields.get("tags", ())),
            partial(self._plan, draft, new.schedules),
            partial(self._refuse_taken, draft.task),
        )
        return draft

    def _tag(self, draft: Draft, names: Iterable[str | Tag]) -> None:
        draft.tags = tag_names(names)

    def _plan(self, draft: Draft, schedules: Schedules) -> None:
        draft.schedules = read_schedules(draft.task, schedules, upstreams=self.upstreams)

    def _refuse_taken(self, task: Task) -> None:
        if task.task_id in self.taken:
            raise InvalidInput({"task_id": [_taken_already(task)]})


def _taken_already(task: Task) -> str:
    return _("There is already a task “%s”.") % task.task_id


def _taken(ids: Sequence[str]) -> set[str]:
    """Those that a stored task has, or two of the new ones."""
    twice = {task_id for task_id, count in Counter(ids).items() if count > 1}
    # What is no id is refused by its field; PostgreSQL can't even be asked for a NUL.
    askable = [task_id for task_id in ids if slug_re.match(task_id)]
    return twice | set(Task.objects.filter(task_id__in=askable).values_list("task_id", flat=True))


def _insert(drafts: Sequence[Draft], actor: Actor) -> None:
    Task.objects.bulk_create([draft.task for draft in drafts])
    tags = {tag.name: tag for tag in tags_named({name for each in drafts for name in each.tags})}
    Task.tags.through.objects.bulk_create(
        Task.tags.through(task=draft.task, tag=tags[name])
        for draft in drafts
        for name in draft.tags
    )
    Schedule.objects.bulk_create(each for draft in drafts for each in draft.schedules)
    audit.record_all(
        actor=actor,
        action="create",
        changes=[(draft.task, audit.difference({}, _state(draft, tags))) for draft in drafts],
    )


def _state(draft: Draft, tags: Mapping[str, Tag]) -> dict[str, Any]:
    named = [tags[name] for name in draft.tags]
    return state_with(draft.task, tags=named, schedules=draft.schedules)


def _broken(drafts: Sequence[Draft]) -> dict[int, InvalidInput]:
    refusals: dict[int, InvalidInput] = {}
    taken = _taken([draft.task.task_id for draft in drafts])
    for place, draft in enumerate(drafts):
        try:
            refuse_broken_rules(draft.task)
        except InvalidInput as error:
            refusals[place] = error
        if draft.task.task_id in taken:
            # Somebody else took the id between our look and our write.
            refusals[place] = Conflict(_taken_already(draft.task))
    return refusals


def _ids(new: Sequence[NewTask]) -> list[str]:
    """Those that were given, and free ones made of the names."""
    names = [str(each.fields.get("name") or "") for each in new if not each.task_id]
    free = FreeIds(names)
    return [each.task_id or free.take(str(each.fields.get("name") or "")) for each in new]


class FreeIds:
    def __init__(self, names: Sequence[str]) -> None:
        stems = {_stem(name) for name in names}
        rows = Task.objects.values_list("task_id", flat=True)
        if len(stems) == 1:
            rows = rows.filter(task_id__startswith=next(iter(stems)))
        self.taken = set(rows) if stems else set()

    def take(self, name: str) -> str:
        stem = free = _stem(name)
        number = 2
        while free in self.taken:
            free = f"{stem}-{number}"
            number += 1
        self.taken.add(free)
        return free


def _stem(name: str) -> str:
    return (slugify(name) or "task")[:90].strip("-") or "task"


def free_task_id(name: str) -> str:
    return FreeIds([name]).take(name)

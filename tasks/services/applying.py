"""One record of a task file, made true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext as _

from tasks.exchange.records import Record
from tasks.exchange.states import SECRET, TASK, compact, natural_order
from tasks.models import Task
from tasks.secrets import MASK
from tasks.services.actors import Actor
from tasks.services.changing import Edit, TaskChange, change_tasks, stored_tasks
from tasks.services.creating import NewTask, create_tasks
from tasks.services.plans import Change, Plan
from tasks.services.schedules import state_of
from tasks.services.status import describe_schedule
from tasks.services.tasks import disable_task

State = dict[str, Any]


def state(task: Task) -> State:
    """All that a file says about a task, secrets as references."""
    found = {name: getattr(task, name) for name in TASK if name not in {"tags", "schedules"}}
    found["owner"] = task.owner.get_username() if task.owner else None
    found["tags"] = sorted(tag.name for tag in task.tags.all())
    arguments = {**task.arguments, **dict.fromkeys(task.secrets, SECRET)}
    found["arguments"] = _sorted(arguments)
    found["settings"] = _sorted(task.settings)
    schedules = sorted(task.schedules.all(), key=lambda each: natural_order(each.key))
    found["schedules"] = [state_of(each) for each in schedules]
    return {name: found[name] for name in TASK}


def _sorted(value: Any) -> Any:
    """PostgreSQL keeps no order of names: without one of ours two databases gave two files."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def in_order(records: Sequence[Record]) -> list[Record]:
    """Tasks before those that need them."""
    by_id = {record.task_id: record for record in records}
    ordered: dict[str, Record] = {}
    stack = list(reversed(records))
    entered: set[str] = set()
    while stack:
        record = stack[-1]
        entered.add(record.task_id)
        first = [by_id[each] for each in _needs(record) if each in by_id and each not in entered]
        if first:
            stack += first
        else:
            ordered.setdefault(record.task_id, stack.pop())
    return list(ordered.values())


def _needs(record: Record) -> list[str]:
    """The tasks that must be there first: those it follows, and the one whose items it takes."""
    upstream = [str(each["after_task"]) for each in record.schedules if each.get("after_task")]
    source = record.fields.get("arguments", {}).get("task")
    return [*upstream, source] if isinstance(source, str) else upstream


def waves(records: Sequence[Record]) -> list[list[Record]]:
    """Each wave needs only tasks of the waves before it, so that it can be created at once."""
    depth: dict[str, int] = {}
    found: dict[int, list[Record]] = {}
    for record in in_order(records):
        needed = [depth[each] for each in _needs(record) if each in depth]
        depth[record.task_id] = max(needed, default=-1) + 1
        found.setdefault(depth[record.task_id], []).append(record)
    return [found[each] for each in sorted(found)]


def create(records: Sequence[Record], *, plan: Plan, actor: Actor) -> list[Change]:
    """Raises SomeRefused by the place of the record."""
    people = People(plan)
    made = create_tasks(new=[_new(record, people) for record in records], actor=actor)
    for record in records:
        if (note := record.fields.get("disabled_note")) and not record.fields.get("enabled", True):
            disable_task(task_id=record.task_id, note=note, actor=actor)
    tasks = {
        task.task_id: task for task in stored_tasks().filter(pk__in=[each.pk for each in made])
    }
    return [_created(record, tasks[record.task_id], plan) for record in records]


def _new(record: Record, people: People) -> NewTask:
    fields = people.fields_of(record)
    return NewTask(task_id=record.task_id, fields=fields, schedules=record.schedules)


def _created(record: Record, task: Task, plan: Plan) -> Change:
    _warn_of_missing_secrets(record, task, plan)
    return Change(record.task_id, task.name, "created", {}, record.line, _when(task))


def _when(task: Task) -> str:
    return "; ".join(describe_schedule(each) for each in task.schedules.all())


def is_unchanged(record: Record, stored: Task) -> bool:
    """Seen without a statement; what isn't may still turn out to be the same."""
    return record.given == compact(state(stored))


def unchanged(record: Record, task: Task) -> Change:
    return Change(record.task_id, task.name, "unchanged", line=record.line)


def change(records: Sequence[Record], *, plan: Plan, actor: Actor) -> list[Change]:
    """Those that stay as they are aren't written at all. Raises SomeRefused by the place of the
    record."""
    people = People(plan)
    edits = change_tasks(changes=[_change(record, people) for record in records], actor=actor)
    return [_changed(record, edit, plan) for record, edit in zip(records, edits, strict=True)]


def _change(record: Record, people: People) -> TaskChange:
    return TaskChange(
        task_id=record.task_id,
        fields=people.fields_of(record),
        schedules=record.schedules,
        note=record.fields.get("disabled_note") or "",
    )


def _changed(record: Record, edit: Edit, plan: Plan) -> Change:
    task = edit.task
    _warn_of_missing_secrets(record, task, plan)
    if not edit.is_changed:
        return unchanged(record, task)
    return Change(
        record.task_id,
        task.name,
        "changed",
        {**differences(edit.changes), **_changed_note(edit), **_changed_secrets(edit)},
        record.line,
        "; ".join(describe_schedule(each) for each in edit.schedules),
        edit.secrets_kept,
    )


def _warn_of_missing_secrets(record: Record, task: Task, plan: Plan) -> None:
    for name in record.references:
        if name not in task.secrets:
            message = _("“%(task)s”: type the secret “%(name)s” again; a file never has its value.")
            plan.warnings.append(message % {"task": task.task_id, "name": name})


class People:
    """Owners by name; a file may come from an installation with other people."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[str, AbstractUser | None] = {}

    def fields_of(self, record: Record) -> State:
        fields = {name: value for name, value in record.fields.items() if name != "disabled_note"}
        if "owner" in fields:
            fields["owner"] = self._owner(record, fields["owner"])
        return fields

    def _owner(self, record: Record, name: str | None) -> AbstractUser | None:
        if not name:
            return None
        if name not in self._known:
            self._known[name] = get_user_model().objects.filter(username=name).first()
        if self._known[name] is None:
            message = _("“%(task)s”: there is no user “%(name)s” here; it gets no owner.")
            self._plan.warnings.append(message % {"task": record.task_id, "name": name})
        return self._known[name]


def _changed_note(edit: Edit) -> dict[str, list[Any]]:
    pair = [edit.before.disabled_note, edit.task.disabled_note]
    return {"disabled_note": pair} if edit.note_changed else {}


def _changed_secrets(edit: Edit) -> dict[str, list[Any]]:
    old = edit.before.secrets
    return {
        f"arguments.{name}": [MASK if name in old else None, MASK] for name in edit.secrets_changed
    }


def differences(changes: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """By field, one level into arguments, settings and schedules."""
    pairs = {name: pair for name, pair in changes.items() if name != "secrets"}
    old = _flat({name: before for name, (before, _after) in pairs.items()})
    new = _flat({name: after for name, (_before, after) in pairs.items()})
    names = [*old, *(name for name in new if name not in old)]
    return {
        name: [old.get(name), new.get(name)] for name in names if old.get(name) != new.get(name)
    }


def _flat(state: Mapping[str, Any]) -> State:
    flat: State = {}
    for name, value in state.items():
        if name == "schedules":
            for schedule in value:
                flat |= {
                    f"schedules.{schedule['key']}.{key}": each for key, each in schedule.items()
                }
        elif isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            flat[name] = value
    return flat

"""Task files in and out. An import is all or nothing, and says what it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from tasks.exchange.problems import FileRefused, Problem
from tasks.exchange.reading import Format, format_of, read_records
from tasks.exchange.records import Record
from tasks.exchange.writing import write_tasks
from tasks.models import Task
from tasks.services import applying
from tasks.services.actors import PYTHON, Actor
from tasks.services.changing import stored_tasks
from tasks.services.creating import SomeRefused
from tasks.services.errors import InvalidInput
from tasks.services.plans import Change, Plan
from tasks.services.tasks import get_task, remove_task

Progress = Callable[[int, int], None]


class Write(Protocol):
    """Makes records true; raises SomeRefused by their place."""

    def __call__(self, records: Sequence[Record], *, plan: Plan, actor: Actor) -> list[Change]: ...


# Between two signs of progress.
AT_ONCE = 200


class ImportRefused(InvalidInput):
    """Nothing was imported; `problems` have line, field and message."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        errors: dict[str, list[str]] = {}
        for each in self.problems:
            errors.setdefault(each.field, []).append(_place(each) + each.message)
        super().__init__(errors)


def _place(problem: Problem) -> str:
    return _("line %d: ") % problem.line if problem.line else ""


def export_tasks(
    *,
    task_ids: Sequence[str] | None = None,
    file_format: Format = "json",
    path: str | Path | None = None,
    actor: Actor = PYTHON,
) -> str:
    """The full form of all tasks, or of some; with `path` also written there."""
    actor.demand("view_task")
    if path is not None:
        file_format = format_of(str(path)) or file_format
    tasks = stored_tasks()
    if task_ids is not None:
        tasks = tasks.filter(pk__in=[get_task(each).pk for each in task_ids])
    text = write_tasks(map(applying.state, tasks), file_format=file_format)
    if path is not None:
        _save(Path(path), text)
    return text


def import_tasks(
    *,
    text: str | bytes | None = None,
    path: str | Path | None = None,
    file_format: Format | None = None,
    dry_run: bool = False,
    replace: bool = False,
    actor: Actor = PYTHON,
    progress: Progress = lambda done, total: None,
) -> Plan:
    """Makes the tasks what the file says; with `replace` those that it doesn't name go.

    Raises ImportRefused, and changes nothing, when any of it is wrong.
    """
    actor.demand("change_task")
    if path is not None:
        text, file_format = read_file(Path(path)), file_format or format_of(str(path))
    records = records_of(text or "", file_format=file_format)
    with transaction.atomic():
        plan = _apply(records, replace=replace, actor=actor, progress=progress)
        plan.dry_run = dry_run
        transaction.set_rollback(dry_run)
    return plan


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _no_file(path, _("%(name)s can't be read: %(reason)s."), error) from error


def records_of(text: str | bytes, *, file_format: Format | None = None) -> list[Record]:
    try:
        return read_records(text, file_format=file_format)
    except FileRefused as error:
        raise ImportRefused(error.problems) from error


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise _no_file(path, _("%(name)s can't be written: %(reason)s."), error) from error


def _no_file(path: Path, message: str, error: OSError) -> InvalidInput:
    return InvalidInput(message % {"name": str(path), "reason": error.strerror or str(error)})


def _apply(records: Sequence[Record], *, replace: bool, actor: Actor, progress: Progress) -> Plan:
    plan = Plan()
    problems: list[Problem] = []
    for write, batch in _batches(records, plan):
        problems += _write(write, batch, plan, actor)
        progress(len(plan.changes) + len(problems), len(records))
    if problems:
        raise ImportRefused(problems)
    if replace:
        plan.changes += _remove_others({record.task_id for record in records}, actor)
    plan.sort(record.task_id for record in records)
    return plan


def _batches(records: Sequence[Record], plan: Plan) -> Iterator[tuple[Write, Sequence[Record]]]:
    stored = {task.task_id: task for task in stored_tasks()}
    # New ones first: nothing that is stored can follow them yet, so that no order is broken.
    for wave in applying.waves([each for each in records if each.task_id not in stored]):
        yield from ((applying.create, batch) for batch in _cut(wave))
    known = [each for each in records if each.task_id in stored]
    same = {each.task_id for each in known if applying.is_unchanged(each, stored[each.task_id])}
    plan.changes += [
        applying.unchanged(each, stored[each.task_id]) for each in known if each.task_id in same
    ]
    others = applying.in_order([each for each in known if each.task_id not in same])
    yield from ((applying.change, batch) for batch in _cut(others))


def _cut(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    return (records[start : start + AT_ONCE] for start in range(0, len(records), AT_ONCE))


def _write(write: Write, records: Sequence[Record], plan: Plan, actor: Actor) -> list[Problem]:
    """Those that are refused are left out, so that what needs the others is not refused too."""
    problems: list[Problem] = []
    left = list(records)
    while left:
        try:
            plan.changes += write(left, plan=plan, actor=actor)
            break
        except SomeRefused as error:
            for place, refusal in error.refusals.items():
                problems += _problems(left[place], refusal)
            left = [each for place, each in enumerate(left) if place not in error.refusals]
    return problems


def _problems(record: Record, error: InvalidInput) -> list[Problem]:
    return [
        record.problem(field, message)
        for field, messages in error.errors.items()
        for message in messages
    ]


def _remove_others(kept: set[str], actor: Actor) -> list[Change]:
    """Followers first: a task that others run after can't go before them."""
    others = Task.objects.exclude(task_id__in=kept).prefetch_related("schedules")
    left = {task.pk: task for task in others}
    removed = []
    while left:
        followed = {
            schedule.after_task_id for task in left.values() for schedule in task.schedules.all()
        }
        free = [pk for pk in left if pk not in followed] or list(left)
        for pk in free:
            task = left.pop(pk)
            removed.append(Change(task.task_id, task.name, "removed"))
            remove_task(task_id=task.task_id, actor=actor)
    return removed

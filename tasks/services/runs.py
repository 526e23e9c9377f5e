from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.handlers import handler_of
from tasks.models import Run, Task
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.arguments import clean_task_arguments
from tasks.services.errors import Conflict, NotFound
from tasks.services.moves import move
from tasks.services.writing import demand_code
from tasks.wake import STOPPING, ring

Status = Run.Status
Trigger = Run.Trigger


def get_run(run_id: str | UUID) -> Run:
    try:
        return Run.objects.select_related("task").get(pk=UUID(str(run_id)))
    except (ValueError, Run.DoesNotExist):
        raise NotFound({"run": [_("There is no such run.")]}) from None


def new_run(task: Task, *, trigger: str, actor: Actor = PYTHON, **fields: Any) -> Run:
    """An unsaved queued run with what the task says now."""
    values: dict[str, Any] = {
        "arguments": task.arguments,
        "secrets": task.secrets,
        "settings": task.settings,
        "priority": task.priority,
        "executor": task.executor,
        "user_id": task.user_id,
        "kind": task.kind,
        "spider": task.spider,
        "requested_by": actor.name,
    }
    values.update(fields)
    return Run(task=task, task_key=task.task_id, task_name=task.name, trigger=trigger, **values)


def run_task_now(
    *,
    task_id: str,
    actor: Actor = PYTHON,
    trigger: str = Trigger.MANUAL,
    arguments: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Run:
    """Raises Conflict, with the run in the way, where the task's overlap rule says so."""
    actor.demand("operate_task")
    with transaction.atomic():
        task = _locked(task_id)
        if arguments is not None:
            cleaned = clean_task_arguments(
                kind=task.kind, spider=task.spider, raw=arguments, stored_secrets=task.secrets
            )
            if cleaned.plain != task.arguments:
                demand_code(task.kind, actor)
            fields = {"arguments": cleaned.plain, "secrets": cleaned.sealed, **fields}
        if trigger == Trigger.TEST:
            fields = {**fields, "arguments": _for_a_test(task, fields.get("arguments"))}
        make_room(task, actor=actor)
        run = new_run(task, trigger=trigger, actor=actor, **fields)
        run.save(force_insert=True)
        audit.record(actor=actor, action="run", task=task, changes={"run": [None, str(run.pk)]})
        transaction.on_commit(wake_dispatchers)
    return run


def _for_a_test(task: Task, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    chosen = task.arguments if arguments is None else arguments
    return {**chosen, **handler_of(task.kind).test_arguments}


def wake_dispatchers() -> None:
    ring(Path(settings.DATA_DIR))


def wake_supervisors() -> None:
    ring(Path(settings.DATA_DIR), STOPPING)


def _locked(task_id: str) -> Task:
    # SQLite takes its one write lock at BEGIN IMMEDIATE, and Django leaves FOR UPDATE out there.
    task = Task.objects.select_for_update().filter(task_id=task_id).first()
    if task is None:
        raise NotFound({"task_id": [_("There is no task “%s”.") % str(task_id)[:100]]})
    return task


def make_room(task: Task, *, actor: Actor, now: bool = True) -> None:
    active = task.runs.active().order_by("queued_at")
    policy = task.overlap_policy
    if policy == Task.Overlap.CANCEL_RUNNING:
        for run in active:
            request_cancel(run, actor=actor)
        return
    if now:
        # A retry that waits for its time is no live spider yet: who is there need not wait too.
        active = active.exclude(not_before__gt=timezone.now())
    in_the_way = _in_the_way(task, active)
    if in_the_way is not None:
        raise Conflict(_("“%s” is already running or waiting.") % task.name, run_id=str(in_the_way))


def _in_the_way(task: Task, active: QuerySet[Run]) -> UUID | None:
    """The first run that leaves no room for another, by the task's overlap rule."""
    keys = active.values_list("pk", flat=True)
    match Task.Overlap(task.overlap_policy):
        case Task.Overlap.QUEUE:
            return keys.filter(status=Status.QUEUED).first()
        case Task.Overlap.ALLOW:
            found = list(keys[: task.max_instances])
            return found[0] if found and len(found) >= task.max_instances else None
        case _:
            return keys.first()


def cancel_run(*, run_id: str | UUID, actor: Actor = PYTHON) -> Run:
    """Stops a run: at once while it waits, else its supervisor is asked to."""
    actor.demand("operate_task")
    run = get_run(run_id)
    if run.is_ended:
        raise Conflict(_("This run has already ended."), run_id=str(run.pk))
    request_cancel(run, actor=actor)
    audit.record(actor=actor, action="stop", task=run.task, changes={"run": [None, str(run.pk)]})
    return get_run(run.pk)


def request_cancel(run: Run, *, actor: Actor) -> None:
    now = timezone.now()
    stopped: dict[str, Any] = {"cancel_requested_at": now, "cancel_requested_by": actor.name}
    if move(
        run.pk,
        source=Status.QUEUED,
        target=Status.CANCELLED,
        reason="cancelled",
        finished_at=now,
        **stopped,
    ):
        return
    # The first wish stands: a second click must not restart the grace period.
    Run.objects.filter(pk=run.pk, cancel_requested_at__isnull=True).filter(
        Q(status=Status.STARTING) | Q(status=Status.RUNNING)
    ).update(**stopped)
    # Who wakes before the wish is written finds nothing, and looks again a second later.
    transaction.on_commit(wake_supervisors)


def run_again(
    *,
    run_id: str | UUID,
    actor: Actor = PYTHON,
    trigger: str = Trigger.MANUAL,
    wait: timedelta | None = None,
) -> Run:
    """A new run with the arguments and settings of an ended one; with `wait` not before then."""
    actor.demand("operate_task")
    old = get_run(run_id)
    if old.task is None:
        raise Conflict(_("The task of this run was deleted."))
    if not old.is_ended:
        raise Conflict(_("This run has not ended yet."), run_id=str(old.pk))
    with transaction.atomic():
        task = _locked(old.task.task_id)
        make_room(task, actor=actor, now=wait is None)
        copied = ("arguments", "secrets", "settings", "spider", "kind")
        run = new_run(
            task,
            trigger=trigger,
            actor=actor,
            retry_of=old,
            for_slot=old.for_slot or old.scheduled_for,
            not_before=timezone.now() + wait if wait else None,
            **{name: getattr(old, name) for name in copied},
        )
        run.save(force_insert=True)
        audit.record(actor=actor, action="run", task=task, changes={"run": [None, str(run.pk)]})
        transaction.on_commit(wake_dispatchers)
    return run

"""Ends runs: the outcome, a retry, the follow-ups and the alerts, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from tasks.models import Run
from tasks.services.actors import SCHEDULER
from tasks.services.alerts import record_end
from tasks.services.events import queue_follow_ups
from tasks.services.moves import move
from tasks.services.runs import new_run

Status = Run.Status
# A second try helps where the trouble may pass: never for an outcome that it would only repeat.
RETRIED_REASONS = frozenset(
    {
        "unreachable",
        "timeout_site",
        "dns",
        "blocked",
        "site_error",
        "timeout",
        "no_progress",
        "killed",
        "lost",
        "launcher",
    }
)

FOR_FOLLOW_UPS = (
    "pk", "task_id", "trigger", "status", "task__alert_to", "task__alert_on",
)  # fmt: skip


def finish_run(
    *,
    run_id: UUID,
    source: str,
    status: str,
    reason: str = "",
    token: str | None = None,
    run: Run | None = None,
    **fields: Any,
) -> bool:
    """Moves a run to its terminal status; False means that it was settled already. Who has the run
    at hand gives it: of most runs nothing more needs to be read then."""
    with transaction.atomic():
        moved = move(
            run_id,
            source=source,
            target=status,
            token=token,
            reason=reason,
            finished_at=fields.pop("finished_at", None) or timezone.now(),
            **fields,
        )
        if moved:
            may_retry = status == Status.FAILED and reason in RETRIED_REASONS
            if may_retry or run is None or _is_awaited(run):
                _after_end(run_id, may_retry=may_retry)
    return moved


def _is_awaited(run: Run) -> bool:
    """Whether another task or anybody waits for the end of this one's. Asked at each run's end, and
    mostly answered by no: without the ORM's own time, which is many times that of the statement."""
    if run.trigger == Run.Trigger.TEST:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM tasks_task t WHERE t.id = %s AND (CAST(t.alert_to AS text) <> '[]' "
            "OR EXISTS (SELECT 1 FROM tasks_schedule s WHERE s.after_task_id = t.id))",
            [run.task_id],
        )
        return cursor.fetchone() is not None


def _after_end(run_id: UUID, *, may_retry: bool) -> None:
    rows = Run.objects.filter(pk=run_id).select_related("task")
    # Of most runs little is needed, and thousands end each hour.
    run = (rows if may_retry else rows.only(*FOR_FOLLOW_UPS)).get()
    if run.task_id is None or run.trigger == Run.Trigger.TEST:
        return
    if not (may_retry and _retry(run)):
        queue_follow_ups(run)
        record_end(run)


def _retry(run: Run) -> bool:
    task = run.task
    if task is None or run.attempt > task.max_retries or not task.enabled:
        return False
    # Doubles with each try: a site in trouble is given more and more time.
    wait = timedelta(seconds=task.retry_delay * 2 ** (run.attempt - 1))
    new_run(
        task,
        trigger=Run.Trigger.RETRY,
        actor=SCHEDULER,
        attempt=run.attempt + 1,
        retry_of=run,
        for_slot=run.for_slot or run.scheduled_for,
        not_before=timezone.now() + wait,
        **_as_run(run),
    ).save(force_insert=True)
    return True


def _as_run(run: Run) -> Mapping[str, Any]:
    names = ("arguments", "secrets", "settings", "spider", "kind", "user_id", "fingerprint")
    return {name: getattr(run, name) for name in names}

"""The outbox of alerts: rows are written in the transaction that ends a run or records a missed
slot, so that none is lost or doubled, whatever happens to whoever sends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from tasks.channels import channel_for
from tasks.models import Alert, Run
from tasks.services.bulk import rows_source, rows_value

Kind = Alert.Kind
KIND_OF = {
    Run.Status.FAILED: Kind.FAILED,
    Run.Status.SUSPICIOUS: Kind.SUSPICIOUS,
    Run.Status.SUCCEEDED: Kind.RECOVERED,
}
_COLUMNS = {
    "run_id": "uuid",
    "channel": "text",
    "recipient": "text",
    "kind": "text",
    "at": "timestamptz",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An alert about a run for everybody whom its task names."""

    run_id: UUID
    kind: str
    recipients: Sequence[str]
    at: datetime


def record_end(run: Run) -> None:
    """Of a run that has ended for good: no further try follows. The caller holds the
    transaction."""
    task, kind = run.task, KIND_OF.get(Run.Status(run.status))
    if task is None or kind is None or not task.alert_to or kind not in task.alert_on:
        return
    if kind == Kind.RECOVERED and not _had_bad_news(task.pk):
        return
    now = timezone.now()
    insert([Wanted(run_id=run.pk, kind=kind, recipients=task.alert_to, at=now)])


def _had_bad_news(task_pk: int) -> bool:
    kinds = Alert.objects.filter(task=task_pk).order_by("-created_at", "-pk")
    return kinds.values_list("kind", flat=True).first() not in {None, Kind.RECOVERED}


def outbox(*, now: datetime | None = None) -> dict[str, int]:
    """The alerts of the last day by their status."""
    since = (now or timezone.now()) - timedelta(days=1)
    rows = Alert.objects.filter(created_at__gte=since).order_by().values_list("status")
    return {**dict.fromkeys(Alert.Status.values, 0), **dict(rows.annotate(Count("pk")))}


def insert(wanted: Iterable[Wanted]) -> None:
    """In one statement; who was told already, or is about to be told of missed runs of the same
    task, gets nothing more. The caller holds the transaction."""
    rows = [row for each in wanted for row in _rows(each)]
    if not rows:
        return
    statement = (
        "INSERT INTO tasks_alert (run_id, task_id, channel, recipient, kind, status, attempts, "  # noqa: S608 - names of ours alone
        "next_try_at, last_error, created_at) "
        "SELECT r.id, r.task_id, f.channel, f.recipient, f.kind, 'pending', 0, f.at, '{}', f.at "
        f"FROM {rows_source(_COLUMNS)} JOIN tasks_run r ON r.id = f.run_id "
        "WHERE f.kind <> 'missed' OR NOT EXISTS (SELECT 1 FROM tasks_alert a "
        "WHERE a.task_id = r.task_id AND a.kind = 'missed' AND a.status = 'pending' "
        "AND a.channel = f.channel AND a.recipient = f.recipient) ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [rows_value(_COLUMNS, rows)])


def _rows(wanted: Wanted) -> Iterable[tuple[object, ...]]:
    """In the order of _COLUMNS."""
    for recipient in wanted.recipients:
        channel = channel_for(recipient)
        if channel is not None:
            yield wanted.run_id, channel.name, recipient, wanted.kind, wanted.at

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from tasks.api.fields import Answer
from tasks.execution.exports import has_file
from tasks.models import Run
from tasks.secrets import MASK
from tasks.services.explaining import explain_run

RunStatus = Literal[
    "queued", "starting", "running", "succeeded", "suspicious",
    "failed", "cancelled", "skipped", "missed",
]  # fmt: skip
RunTrigger = Literal[
    "schedule", "manual", "api", "retry", "chain", "backfill", "test", "discord", "startup"
]
SAME = (
    "task_name", "kind", "spider", "at", "scheduled_for", "scheduled_until", "slots", "trigger",
    "requested_by", "user_id", "status", "reason", "attempt", "for_slot", "settings", "priority",
    "queued_at", "not_before", "started_at", "finished_at", "heartbeat_at",
    "cancel_requested_at", "cancel_requested_by", "executor", "external_id", "host", "pid",
    "exit_code", "items", "pages", "errors", "progress", "stats",
)  # fmt: skip


class ExplanationOut(Answer):
    title: str
    happened: str
    cause: str
    next_steps: list[str]


class RunOut(Answer):
    id: str = Field(examples=["0b0e4ab9-7f43-4d3c-8f0c-2f9d0a9f5f62"])
    task: str = Field(description="The task's id, also when the task is gone.")
    task_id: str = Field(description="The same.")
    task_name: str
    schedule: str | None
    kind: str
    spider: str
    at: datetime
    scheduled_for: datetime | None
    scheduled_until: datetime | None
    slots: int
    trigger: RunTrigger
    requested_by: str
    user_id: str
    status: RunStatus
    reason: str
    explanation: ExplanationOut | None
    attempt: int
    retry_of: str | None
    for_slot: datetime | None
    arguments: dict[str, Any]
    settings: dict[str, Any]
    priority: int
    queued_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    cancel_requested_at: datetime | None
    cancel_requested_by: str
    executor: str
    external_id: str
    host: str
    pid: int | None
    exit_code: int | None
    items: int
    pages: int
    errors: int
    progress: dict[str, Any]
    stats: dict[str, Any]
    file_url: str | None = Field(
        description="Of an export that ended well: where its file can be downloaded."
    )


def file_url(run: Run) -> str | None:
    return f"/api/v1/runs/{run.pk}/file" if has_file(run) else None


def show_run(run: Run) -> RunOut:
    return RunOut.model_construct(
        id=str(run.pk),
        task=run.task_key,
        task_id=run.task_key,
        schedule=run.schedule.key if run.schedule else None,
        retry_of=str(run.retry_of_id) if run.retry_of_id else None,
        arguments={**run.arguments, **dict.fromkeys(run.secrets, MASK)},
        file_url=file_url(run),
        explanation=_explanation(run),
        **{name: getattr(run, name) for name in SAME},
    )


def _explanation(run: Run) -> ExplanationOut | None:
    known = explain_run(run)
    return ExplanationOut.model_construct(**asdict(known)) if known else None

"""What `--json` prints. Names here are stable; docs/command-line.md lists them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import ngettext

from tasks.models import Run, SpiderInfo
from tasks.services.explaining import explain_run


def run_shape(run: Run) -> dict[str, Any]:
    duration = run.duration()
    return {
        "id": str(run.pk),
        "task_id": run.task_key,
        "task_name": run.task_name,
        "kind": run.kind,
        "spider": run.spider,
        "status": run.status,
        "reason": run.reason,
        "trigger": run.trigger,
        "requested_by": run.requested_by,
        "attempt": run.attempt,
        "at": _utc(run.at),
        "scheduled_for": _utc(run.scheduled_for),
        "scheduled_until": _utc(run.scheduled_until),
        "queued_at": _utc(run.queued_at),
        "started_at": _utc(run.started_at),
        "finished_at": _utc(run.finished_at),
        "seconds": round(duration.total_seconds(), 3) if duration is not None else None,
        "host": run.host,
        "exit_code": run.exit_code,
        "items": run.items,
        "pages": run.pages,
        "errors": run.errors,
        "slots": run.slots,
        "explanation": asdict(known) if (known := explain_run(run)) else None,
    }


def spider_shape(spider: SpiderInfo) -> dict[str, Any]:
    return {
        "name": spider.name,
        "title": spider.title,
        "description": spider.description,
        "usable": spider.is_usable,
        "arguments": spider.schema,
        "domains": spider.domains,
        "gives": spider.gives,
        "warning": spider.remedy,
        "error": spider.error,
    }


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def figure_words(run: Run) -> str:
    figures = (
        ngettext("%(n)s item", "%(n)s items", run.items) % {"n": run.items},
        ngettext("%(n)s page", "%(n)s pages", run.pages) % {"n": run.pages},
        ngettext("%(n)s error", "%(n)s errors", run.errors) % {"n": run.errors},
    )
    return ", ".join(figures)


def duration_words(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.models import Run
from tasks.runtime.files import Json, write_json
from tasks.secrets import MASK


def write_report(run: Run, folder: Path, outcome: Json | None, exited: Json | None) -> None:
    write_json(folder / "report.json", report_of(run, outcome, exited))


def report_of(run: Run, outcome: Json | None, exited: Json | None) -> Json:
    ended = outcome or {}
    return {
        "run_id": str(run.pk),
        "task_id": run.task_key,
        "task_name": run.task_name,
        "spider": run.spider,
        "trigger": run.trigger,
        "requested_by": run.requested_by,
        "attempt": run.attempt,
        "arguments": {**run.arguments, **dict.fromkeys(run.secrets, MASK)},
        "settings": run.settings,
        "status": run.status,
        "reason": run.reason,
        "detail": run.detail,
        "scheduled_for": _text(run.scheduled_for),
        "queued_at": _text(run.queued_at),
        "started_at": _text(run.started_at),
        "finished_at": _text(run.finished_at),
        "duration_seconds": _seconds(run),
        "items": run.items,
        "items_stored": ended.get("items_stored"),
        "pages": run.pages,
        "errors": run.errors,
        "finish_reason": ended.get("finish_reason"),
        "last_error": ended.get("last_error"),
        "host": run.host,
        "pid": run.pid,
        "exit_code": run.exit_code,
        "cpu_seconds": (exited or {}).get("cpu_seconds"),
        "max_memory_kb": (exited or {}).get("max_rss_kb"),
        "versions": ended.get("versions") or {},
        "stats": run.stats,
    }


def _text(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None


def _seconds(run: Run) -> float | None:
    duration = run.duration()
    return round(duration.total_seconds(), 3) if duration is not None else None

from __future__ import annotations

import json
from typing import Any

from tasks.api.streams.snapshots import Snapshot
from tasks.execution.logs import LogLine

# How long a browser waits before it comes back, in milliseconds.
OPENING = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"


def event(name: str, data: dict[str, Any], *, offset: int | None = None) -> bytes:
    """JSON has no line break of its own, so that an event is always one data line."""
    text = json.dumps(data, ensure_ascii=False, default=str)
    identity = "" if offset is None else f"id: {offset}\n"
    return f"event: {name}\n{identity}data: {text}\n\n".encode("utf-8", "replace")


def line_frame(line: LogLine) -> bytes:
    """The id is where the next line begins: whoever comes back goes on from there."""
    if line.is_gap:
        return event("gap", {"from": line.start, "to": line.end}, offset=line.end)
    data: dict[str, Any] = {
        "ts": line.at.isoformat() if line.at else None,
        "level": line.level or "INFO",
        "msg": line.text,
    }
    if line.is_cut:
        data["cut"] = True
    return event("log", data, offset=line.end)


def progress_frame(now: Snapshot) -> bytes:
    figures = {"items": now.items, "pages": now.pages, "errors": now.errors}
    return event("progress", {"status": now.status, **figures, **now.details})


def end_frame(now: Snapshot, offset: int) -> bytes:
    data = {"status": now.status, "spider_job_id": now.spider_job_id}
    return event("end", data, offset=offset)

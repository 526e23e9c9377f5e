from __future__ import annotations

from typing import Annotated, Any

from ninja import Header, Query

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event: a byte offset, from which the stream goes on.",
        examples=["4096"],
    ),
]

After = Annotated[
    int,
    Query(
        ge=0,
        lt=2**53,
        description="The byte offset to begin at, of who has shown what is before it."
        " `Last-Event-ID` goes before it.",
    ),
]

EXAMPLE = """retry: 2000

event: progress
data: {"status": "running", "items": 12, "pages": 4, "errors": 0}

event: log
id: 96
data: {"ts": "2030-04-02T06:00:01+00:00", "level": "INFO", "msg": "Spider opened"}

event: end
id: 96
data: {"status": "succeeded", "spider_job_id": "0b0e4ab9-7f43-4d3c-8f0c-2f9d0a9f5f62"}
"""
EVENT_STREAM: dict[str, Any] = {
    "responses": {
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}}}
    }
}

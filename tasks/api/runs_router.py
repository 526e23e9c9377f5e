from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router, Status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tasks.api.answers import answers
from tasks.api.auth import READ, RUN, caller_of
from tasks.api.fields import Slug, text
from tasks.api.paging import Cursor, Limit, Page, paginate
from tasks.api.run_schemas import RunOut, RunStatus, RunTrigger, show_run
from tasks.api.streams.openapi import EVENT_STREAM, LastEventId
from tasks.api.streams.responses import follow_response
from tasks.models import Run
from tasks.services.runs import cancel_run, run_again
from tasks.services.runs import get_run as find_run

router = Router(tags=["runs"])


class RunFilters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    task: Slug | None = None
    status: Annotated[list[RunStatus], Field(max_length=9)] = []
    trigger: RunTrigger | None = None
    spider: Annotated[str, text(200)] | None = None
    user_id: Annotated[str, text(200)] | None = None
    since: AwareDatetime | None = Field(None, description="Planned or asked for at or after.")
    until: AwareDatetime | None = Field(None, description="Planned or asked for before.")
    order: Literal["at", "-at"] = "-at"
    limit: Limit = 50
    cursor: Cursor | None = None

    def conditions(self) -> dict[str, str | datetime | list[RunStatus]]:
        given = {
            "task_key": self.task, "status__in": self.status or None, "trigger": self.trigger,
            "spider": self.spider, "user_id": self.user_id,
            "at__gte": self.since, "at__lt": self.until,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}


@router.get("/runs", auth=READ, response=answers({200: Page[RunOut]}))
def list_runs(request: HttpRequest, query: Query[RunFilters]) -> Page[RunOut]:
    caller_of(request).demand("view_run")
    rows = Run.objects.select_related("schedule").filter(**query.conditions())
    found, cursor = paginate(rows, order=query.order, limit=query.limit, cursor=query.cursor)
    return Page[RunOut].model_construct(items=[show_run(run) for run in found], next=cursor)


@router.get("/runs/{run_id}", auth=READ, response=answers({200: RunOut}, 404))
def get_run(request: HttpRequest, run_id: UUID) -> RunOut:
    caller_of(request).demand("view_run")
    return show_run(find_run(run_id))


@router.get(
    "/runs/{run_id}/logs",
    auth=READ,
    response=answers({200: None, 204: None}, 404),
    openapi_extra=EVENT_STREAM,
)
def follow_run(
    request: HttpRequest, run_id: UUID, last_event_id: LastEventId = None
) -> HttpResponseBase:
    """Server-Sent Events: `log`, `progress`, `gap`, and at last `end`, after which 204."""
    caller = caller_of(request)
    caller.demand("view_run")
    return follow_response(request, find_run(run_id), caller)


@router.post("/runs/{run_id}/cancel", auth=RUN, response=answers({202: RunOut}, 404, 409))
def stop_run(request: HttpRequest, run_id: UUID) -> Status[RunOut]:
    return Status(202, show_run(cancel_run(run_id=run_id, actor=caller_of(request).actor)))


@router.post("/runs/{run_id}/retry", auth=RUN, response=answers({202: RunOut}, 404, 409))
def retry_run(request: HttpRequest, run_id: UUID) -> Status[RunOut]:
    """A new run with the arguments and settings of an ended one."""
    run = run_again(run_id=run_id, actor=caller_of(request).actor, trigger=Run.Trigger.API)
    return Status(202, show_run(run))

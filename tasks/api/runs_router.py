from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tasks.api.answers import answers
from tasks.api.auth import READ, RUN, caller_of
from tasks.api.fields import Answer, Instant, Slug, text
from tasks.api.paging import Cursor, Limit, Page, paginate
from tasks.api.run_schemas import RunOut, RunStatus, RunTrigger, show_run
from tasks.api.streams.openapi import EVENT_STREAM, After, LastEventId
from tasks.api.streams.responses import follow_response
from tasks.downloads import download
from tasks.execution.exports import exported_file
from tasks.execution.folder import run_folder
from tasks.execution.items import CONTENT_TYPES, MAX_PAGE, export_items, read_items
from tasks.models import Run
from tasks.services.errors import NotFound
from tasks.services.runs import cancel_run, run_again
from tasks.services.runs import get_run as find_run

router = Router(tags=["runs"])


class ItemsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["page", "jsonl", "json", "csv", "xlsx"] = "page"
    offset: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class ItemsOut(Answer):
    items: list[dict[str, Any]]
    next: int | None = Field(description="The offset of the next page; null on the last one.")


ITEM_FILES: dict[str, Any] = {
    "responses": {
        200: {
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string"}}
                for form, kind in CONTENT_TYPES.items()
                if form != "json"
            }
        }
    }
}


EXPORTED: dict[str, Any] = {
    "responses": {
        200: {
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string"}}
                for kind in CONTENT_TYPES.values()
            }
        }
    }
}


def _parts(values: Any) -> Any:
    return [part for value in values for part in str(value).split(",")]


class RunFilters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    task: Slug | None = None
    task_id: Slug | None = Field(None, description="The same as `task`.")
    status: Annotated[list[RunStatus], Field(max_length=9), BeforeValidator(_parts)] = Field(
        [], description="Any of them; also with commas between."
    )
    trigger: RunTrigger | None = None
    spider: Annotated[str, text(200)] | None = None
    user_id: Annotated[str, text(200)] | None = None
    since: Instant | None = Field(None, description="Planned or asked for at or after.")
    until: Instant | None = Field(None, description="Planned or asked for before.")
    order: Literal["at", "-at"] = "-at"
    limit: Limit = 50
    cursor: Cursor | None = None

    def conditions(self) -> dict[str, str | datetime | list[RunStatus]]:
        given = {
            "task_key": self.task or self.task_id, "status__in": self.status or None,
            "trigger": self.trigger, "spider": self.spider, "user_id": self.user_id,
            "at__gte": self.since, "at__lt": self.until,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}


@router.get("/runs", auth=READ, response=answers({200: Page[RunOut]}))
def list_runs(request: HttpRequest, query: Query[RunFilters]) -> Page[RunOut]:
    """Runs of all tasks, the newest first, with what was missed and skipped."""
    caller_of(request).demand("view_run")
    rows = Run.objects.select_related("schedule").filter(**query.conditions())
    found, cursor = paginate(rows, order=query.order, limit=query.limit, cursor=query.cursor)
    return Page[RunOut].model_construct(items=[show_run(run) for run in found], next=cursor)


@router.get("/runs/{run_id}", auth=READ, response=answers({200: RunOut}, 404))
def get_run(request: HttpRequest, run_id: UUID) -> RunOut:
    """One run: when, by whom, what became of it, and its figures."""
    caller_of(request).demand("view_run")
    return show_run(find_run(run_id))


@router.get(
    "/runs/{run_id}/logs",
    auth=READ,
    response=answers({200: None, 204: None}, 404),
    openapi_extra=EVENT_STREAM,
)
def follow_run(
    request: HttpRequest, run_id: UUID, after: After = 0, last_event_id: LastEventId = None
) -> HttpResponseBase:
    """Server-Sent Events: `log`, `progress`, `gap`, and at last `end`, after which 204."""
    caller = caller_of(request)
    caller.demand("view_run")
    return follow_response(request, find_run(run_id), caller, after=after)


@router.get(
    "/runs/{run_id}/items",
    auth=READ,
    response=answers({200: ItemsOut}, 404),
    openapi_extra=ITEM_FILES,
)
def get_items(
    request: HttpRequest, run_id: UUID, query: Query[ItemsQuery]
) -> ItemsOut | HttpResponseBase:
    """A page of items, or with `format` all of them as a file that runs no formula."""
    caller_of(request).demand("view_run")
    run = find_run(run_id)
    folder = run_folder(run)
    if query.format != "page":
        name = f"{run.task_key}-{run.at:%Y%m%d-%H%M%S}.{query.format}"
        parts = export_items(folder, query.format)
        return download(parts, name=name, content_type=CONTENT_TYPES[query.format])
    page = read_items(folder, query.offset, query.limit)
    return ItemsOut(items=page.items, next=None if page.is_last else page.end)


@router.get(
    "/runs/{run_id}/file", auth=READ, response=answers({200: None}, 404), openapi_extra=EXPORTED
)
def get_file(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """The file that an export wrote."""
    caller_of(request).demand("view_run")
    file = exported_file(find_run(run_id))
    if file is None:
        raise NotFound({"run_id": [_("This run has no file.")]})
    return download(file.parts, name=file.name, content_type=file.content_type)


@router.post("/runs/{run_id}/cancel", auth=RUN, response=answers({202: RunOut}, 404, 409))
def stop_run(request: HttpRequest, run_id: UUID) -> Status[RunOut]:
    """Asks a run to stop; what it has found by then is kept."""
    return Status(202, show_run(cancel_run(run_id=run_id, actor=caller_of(request).actor)))


@router.post("/runs/{run_id}/retry", auth=RUN, response=answers({202: RunOut}, 404, 409))
def retry_run(request: HttpRequest, run_id: UUID) -> Status[RunOut]:
    """A new run with the arguments and settings of an ended one."""
    run = run_again(run_id=run_id, actor=caller_of(request).actor, trigger=Run.Trigger.API)
    return Status(202, show_run(run))

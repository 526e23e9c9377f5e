from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Body, Path, Query, Router, Status
from pydantic import BaseModel, ConfigDict, Field

from tasks.api.answers import answers
from tasks.api.auth import READ, RUN, WRITE, caller_of
from tasks.api.etags import changed, expected_version, set_etag
from tasks.api.fields import Slug, text
from tasks.api.paging import Cursor, Limit, Page, paginate
from tasks.api.run_schemas import RunOut, show_run
from tasks.api.task_schemas import Kind, PauseIn, RunIn, StatsOut, TaskFields, TaskIn, TaskOut
from tasks.api.task_views import show, show_one, with_all
from tasks.services import (
    create_task,
    disable_task,
    enable_task,
    get_job_stats,
    remove_task,
    run_task_now,
    update_task,
)
from tasks.services.errors import Conflict

router = Router(tags=["tasks"])

TaskId = Annotated[Slug, Path(examples=["shop-prices"])]
TaskOrder = Literal[
    "name", "-name", "task_id", "-task_id", "created_at", "-created_at", "updated_at", "-updated_at"
]


class TaskFilters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    kind: Kind | None = None
    spider: Annotated[str, text(200)] | None = None
    tag: Annotated[str, text(50)] | None = None
    user_id: Annotated[str, text(200)] | None = None
    search: Annotated[str, text(200)] | None = Field(
        None, description="Part of the name, id or spider."
    )
    order: TaskOrder = "name"
    limit: Limit = 50
    cursor: Cursor | None = None


@router.get("/tasks", auth=READ, response=answers({200: Page[TaskOut]}))
def list_tasks(request: HttpRequest, query: Query[TaskFilters]) -> Page[TaskOut]:
    """All tasks, filtered, in pages."""
    caller_of(request).demand("view_task")
    rows = with_all()
    exact = {"enabled": query.enabled, "kind": query.kind, "spider": query.spider}
    exact |= {"tags__name": query.tag, "user_id": query.user_id}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    if query.search:
        word = query.search
        names = Q(name__icontains=word) | Q(task_id__icontains=word)
        rows = rows.filter(names | Q(spider__icontains=word))
    found, cursor = paginate(rows, order=query.order, limit=query.limit, cursor=query.cursor)
    return Page[TaskOut].model_construct(items=show(found), next=cursor)


@router.post("/tasks", auth=WRITE, response=answers({201: TaskOut}, 400, 409))
def add_task(request: HttpRequest, data: Body[TaskIn], response: HttpResponse) -> Status[TaskOut]:
    """A new task with its schedules; `Location` is its address."""
    caller = caller_of(request)
    task = create_task(**{"owner": caller.user, **data.given()}, actor=caller.actor)
    set_etag(response, task.version)
    response["Location"] = f"/api/v1/tasks/{task.task_id}"
    return Status(201, show_one(task.task_id))


@router.get("/tasks/{task_id}", auth=READ, response=answers({200: TaskOut}, 404))
def get_task(request: HttpRequest, task_id: TaskId, response: HttpResponse) -> TaskOut:
    """One task with its schedules and when it runs next."""
    caller_of(request).demand("view_task")
    return _answer(task_id, response)


@router.get("/tasks/{task_id}/stats", auth=READ, response=answers({200: StatsOut}, 404))
def get_stats(request: HttpRequest, task_id: TaskId) -> StatsOut:
    """How many of its runs took place, failed, were missed and skipped, and the last error."""
    caller_of(request).demand("view_run")
    return StatsOut(**get_job_stats(task_id=task_id))


@router.patch("/tasks/{task_id}", auth=WRITE, response=answers({200: TaskOut}, 400, 404, 409, 412))
def change_task(
    request: HttpRequest, task_id: TaskId, data: Body[TaskFields], response: HttpResponse
) -> TaskOut:
    """Changes the fields that are sent and leaves all others as they are."""
    version = expected_version(request)
    try:
        update_task(
            task_id=task_id,
            actor=caller_of(request).actor,
            expected_version=version,
            **data.given(),
        )
    except Conflict as error:
        raise (changed() if version is not None else error) from None
    return _answer(task_id, response)


@router.delete("/tasks/{task_id}", auth=WRITE, response=answers({204: None}, 404, 409))
def delete_task(request: HttpRequest, task_id: TaskId, keep_history: bool = True) -> Status[None]:
    """The task and its schedules go; what it did stays, unless `keep_history` is false."""
    remove_task(task_id=task_id, keep_history=keep_history, actor=caller_of(request).actor)
    return Status(204, None)


@router.post("/tasks/{task_id}/pause", auth=RUN, response=answers({200: TaskOut}, 400, 404))
def pause_task(
    request: HttpRequest,
    task_id: TaskId,
    response: HttpResponse,
    data: Body[PauseIn | None] = None,
) -> TaskOut:
    """Switches it off: no schedule starts it until it is resumed. A run that goes on goes on."""
    note = data.note if data else ""
    disable_task(task_id=task_id, note=note, actor=caller_of(request).actor)
    return _answer(task_id, response)


@router.post("/tasks/{task_id}/resume", auth=RUN, response=answers({200: TaskOut}, 404))
def resume_task(request: HttpRequest, task_id: TaskId, response: HttpResponse) -> TaskOut:
    """Switches it on again, from now on: what was planned in between stays left out."""
    enable_task(task_id=task_id, actor=caller_of(request).actor)
    return _answer(task_id, response)


@router.post("/tasks/{task_id}/run", auth=RUN, response=answers({202: RunOut}, 400, 404, 409))
def run_task(
    request: HttpRequest, task_id: TaskId, data: Body[RunIn | None] = None
) -> Status[RunOut]:
    """Starts a run now, besides its schedules, also of a task that is off."""
    run = run_task_now(
        task_id=task_id,
        actor=caller_of(request).actor,
        trigger="api",
        arguments=data.arguments if data else None,
        ignore_cache=data.ignore_cache if data else False,
    )
    return Status(202, show_run(run))


def _answer(task_id: str, response: HttpResponse) -> TaskOut:
    shown = show_one(task_id)
    set_etag(response, shown.version)
    return shown

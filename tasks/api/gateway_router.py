from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Body, Path, Query, Router, Status
from pydantic import BaseModel, ConfigDict, Field

from tasks.api.answers import gateway_answers
from tasks.api.auth import READ, RUN, WRITE, caller_of
from tasks.api.fields import text
from tasks.api.gateway_schemas import (
    CrawlIn,
    CrawlOut,
    ExportIn,
    JobChangeIn,
    JobMessageOut,
    JobOut,
    JobsOut,
    JobStatusOut,
    MessageOut,
    SearchIn,
)
from tasks.api.run_schemas import file_url
from tasks.api.streams.openapi import EVENT_STREAM, LastEventId
from tasks.api.streams.responses import follow_response
from tasks.services import jobs
from tasks.services.errors import NotFound
from tasks.services.gateway import Crawl, crawl
from tasks.services.searches import schedule_export, schedule_search

router = Router(tags=["gateway"])

JobId = Annotated[str, Path(max_length=100, pattern=r"^[-a-zA-Z0-9_]+$")]


class ForUser(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[str, text(200, 1)] | None = Field(
        None, description="Only what was asked for on behalf of this user; the rest is 404."
    )


class JobFilters(ForUser):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class CrawlQuery(BaseModel):
    ignore_cache: bool | None = None


@router.post(
    "/crawl",
    auth=RUN,
    response=gateway_answers({200: CrawlOut, 202: CrawlOut}, 409),
    exclude_none=True,
    url_name="gateway-crawl",
)
def start_crawl(
    request: HttpRequest, data: Body[CrawlIn], query: Query[CrawlQuery]
) -> Status[CrawlOut]:
    """Now, at a moment, or by cron. The same request gets the job that is already there.

    On a schedule it takes an editor, and the scope `write`.
    """
    caller = caller_of(request)
    given = data.model_dump(exclude={"ignore_cache", "params"})
    wanted = Crawl(**given, params=data.params or {})
    if wanted.is_scheduled:
        caller.demand_scope("write")
    ignore_cache = data.ignore_cache if query.ignore_cache is None else query.ignore_cache
    job = crawl(request=wanted, ignore_cache=bool(ignore_cache), actor=caller.actor)
    address = f"/api/v1/jobs/{job.job_id}"
    return Status(
        202 if job.scheduled else 200,
        CrawlOut(**vars(job), status_url=f"{address}/status", logs_url=f"{address}/logs"),
    )


@router.get("/jobs", auth=READ, response=gateway_answers({200: JobsOut}), url_name="gateway-jobs")
def list_jobs(request: HttpRequest, query: Query[JobFilters]) -> JobsOut:
    """The jobs that run by themselves: at a moment, by cron, every so often."""
    caller_of(request).demand("view_task")
    rows = jobs.scheduled_jobs(user_id=query.user_id)
    shown = rows[query.offset : query.offset + query.limit]
    return JobsOut(jobs=[JobOut(**jobs.describe_job(task)) for task in shown], total=rows.count())


@router.get(
    "/jobs/{job_id}",
    auth=READ, response=gateway_answers({200: JobOut}, 404), url_name="gateway-job",
)  # fmt: skip
def get_job(request: HttpRequest, job_id: JobId, query: Query[ForUser]) -> JobOut:
    """One job, by the id that starting it gave."""
    caller_of(request).demand("view_task")
    job = jobs.find_job(job_id=job_id, user_id=query.user_id)
    return JobOut(**job.describe())


@router.get(
    "/jobs/{job_id}/status",
    auth=READ, response=gateway_answers({200: JobStatusOut}, 404), url_name="gateway-job-status",
)  # fmt: skip
def get_job_status(request: HttpRequest, job_id: JobId, query: Query[ForUser]) -> JobStatusOut:
    """How a job stands; of a scheduled one, its latest run."""
    caller_of(request).demand("view_run")
    job = jobs.find_job(job_id=job_id, user_id=query.user_id)
    run = job.run
    return JobStatusOut(
        job_id=job_id,
        status=jobs.job_status(run),
        outcome=run.status if run and run.is_ended else None,
        started_at=run.started_at if run else None,
        spider_job_id=(run.external_id or str(run.pk)) if run else None,
        next_run=job.next_run,
        file_url=file_url(run) if run else None,
    )


@router.get(
    "/jobs/{job_id}/logs",
    auth=READ,
    response=gateway_answers({200: None, 204: None}, 404),
    url_name="gateway-job-logs",
    openapi_extra=EVENT_STREAM,
)
def follow_job(
    request: HttpRequest,
    job_id: JobId,
    query: Query[ForUser],
    last_event_id: LastEventId = None,
) -> HttpResponseBase:
    """Server-Sent Events of the job's run, of a scheduled job of its latest one."""
    caller = caller_of(request)
    caller.demand("view_run")
    job = jobs.find_job(job_id=job_id, user_id=query.user_id)
    if job.run is None:
        raise NotFound({"job_id": [_("This job has not run yet.")]})
    return follow_response(request, job.run, caller)


@router.patch(
    "/jobs/{job_id}",
    auth=WRITE,
    response=gateway_answers({200: MessageOut}, 404, 409),
    url_name="gateway-job",
)
def change_job(
    request: HttpRequest, job_id: JobId, data: Body[JobChangeIn], query: Query[ForUser]
) -> MessageOut:
    """Changes the fields that are sent of a scheduled job."""
    changes = data.model_dump(exclude_unset=True)
    actor = caller_of(request).actor
    jobs.change_job(job_id=job_id, changes=changes, user_id=query.user_id, actor=actor)
    return MessageOut(message=_("The job was changed."))


@router.delete(
    "/jobs/{job_id}",
    auth=WRITE,
    response=gateway_answers({200: MessageOut}, 404, 409),
    url_name="gateway-job",
)
def remove_job(request: HttpRequest, job_id: JobId, query: Query[ForUser]) -> MessageOut:
    """A scheduled job goes away with its schedule; one that runs at once is stopped."""
    jobs.remove_job(job_id=job_id, user_id=query.user_id, actor=caller_of(request).actor)
    return MessageOut(message=_("The job was removed."))


@router.post(
    "/jobs/{job_id}/pause",
    auth=RUN, response=gateway_answers({200: MessageOut}, 404), url_name="gateway-job-pause",
)  # fmt: skip
def pause_job(request: HttpRequest, job_id: JobId, query: Query[ForUser]) -> MessageOut:
    """A scheduled job starts nothing until it is resumed."""
    jobs.pause_job(job_id=job_id, user_id=query.user_id, actor=caller_of(request).actor)
    return MessageOut(message=_("The job is paused."))


@router.post(
    "/jobs/{job_id}/resume",
    auth=RUN, response=gateway_answers({200: MessageOut}, 404), url_name="gateway-job-resume",
)  # fmt: skip
def resume_job(request: HttpRequest, job_id: JobId, query: Query[ForUser]) -> MessageOut:
    """A paused job starts by its schedule again."""
    jobs.resume_job(job_id=job_id, user_id=query.user_id, actor=caller_of(request).actor)
    return MessageOut(message=_("The job runs again."))


@router.post(
    "/search",
    auth=WRITE, response=gateway_answers({200: JobMessageOut}, 409), url_name="gateway-search",
)  # fmt: skip
def add_search(request: HttpRequest, data: Body[SearchIn]) -> JobMessageOut:
    """A query that runs by cron or every so many hours: give one of the two."""
    task = schedule_search(**data.model_dump(), actor=caller_of(request).actor)
    return JobMessageOut(job_id=task.task_id, message=_("The search is scheduled."))


@router.post(
    "/export",
    auth=WRITE, response=gateway_answers({200: JobMessageOut}, 404, 409), url_name="gateway-export",
)  # fmt: skip
def add_export(request: HttpRequest, data: Body[ExportIn]) -> JobMessageOut:
    """Writes the newest good items of a search to a file, by cron."""
    task = schedule_export(
        search_id=data.search_id,
        cron_expression=data.cron_expression,
        file_format=data.format,
        actor=caller_of(request).actor,
    )
    return JobMessageOut(job_id=task.task_id, message=_("The export is scheduled."))

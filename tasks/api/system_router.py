from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Query, Router, Status
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field

from tasks.api.answers import answers
from tasks.api.auth import READ, caller_of
from tasks.api.fields import Answer, Moment, Name, Strict, Timestamp, ZoneName, left_out, text
from tasks.api.metrics import exposition
from tasks.api.paging import Cursor, Limit, Page, paginate
from tasks.api.task_schemas import ScheduleIn
from tasks.models import SpiderInfo
from tasks.services.errors import InvalidInput, NotFound
from tasks.services.health import get_health
from tasks.services.preview import MAX_TIMES, preview
from tasks.services.schedules import moment_of
from tasks.services.status import get_job_stats, get_scheduler_status

router = Router(tags=["system"])

SPIDER_FIELDS = (
    "name", "title", "description", "gives", "domains", "inferred", "error", "seen_at"
)  # fmt: skip
Number = Annotated[int, Field(ge=1, le=MAX_TIMES)]


class PreviewQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cron: Annotated[str, text(255, 1)] = Field(examples=["0 6 * * mon-fri"])
    timezone: ZoneName | None = None
    after: Moment | None = Field(None, description="The moment to start from; now.")
    n: Number = 5

    def answer(self) -> dict[str, Any]:
        when = {"kind": "cron", "cron": self.cron, "timezone": self.timezone}
        return _preview(when, self.after, self.n)


class PreviewIn(Strict):
    schedule: ScheduleIn = left_out(
        description="Of any kind; or give `cron` alone.",
        examples=[{"kind": "interval", "hours": 2}],
    )
    cron: Annotated[str, text(255, 1)] = left_out(examples=[None])
    timezone: ZoneName = left_out(examples=[None])
    after: Moment = left_out()
    n: Number = 5

    def answer(self) -> dict[str, Any]:
        given = self.model_dump(exclude_unset=True)
        if ("schedule" in given) == ("cron" in given):
            raise InvalidInput({"schedule": [_("Give either a schedule or a cron pattern.")]})
        when = given.get("schedule") or {"kind": "cron", "cron": self.cron}
        zone = {"timezone": self.timezone} if "timezone" in given else {}
        return _preview({**zone, **when}, given.get("after"), self.n)


def _preview(when: dict[str, Any], after: str | None, number: int) -> dict[str, Any]:
    moment = moment_of(after, when.get("timezone") or settings.SCHEDULER_TIMEZONE, "after")
    return preview(schedule=when, after=moment, number=number)


class Note(Answer):
    at: str
    code: str
    note: str = Field(examples=["The clocks go forward: 02:30 does not exist that night ..."])


class PreviewOut(Answer):
    description: str = Field(examples=["Monday to Friday at 06:00"])
    next: list[str] = Field(examples=[["2030-04-02T06:00:00+02:00"]])
    notes: list[Note]


class SpiderOut(Answer):
    name: str
    title: str
    description: str
    schema_: dict[str, Any] = Field(serialization_alias="schema")
    gives: list[Any]
    domains: list[Any]
    inferred: bool
    error: str
    warning: str
    seen_at: Timestamp


class HealthOut(Answer):
    status: str = Field(examples=["healthy"])
    checks: dict[str, dict[str, Any]]


@router.get("/health", auth=None, response={200: HealthOut, 503: HealthOut}, url_name="health")
def health(request: HttpRequest) -> Status[HealthOut]:
    """200 when database, scheduler, queue and disk are well, else 503. Needs no login."""
    found = get_health()
    word = "healthy" if found["healthy"] else "unhealthy"
    shown = HealthOut(status=word, checks=found["checks"])
    return Status(200 if found["healthy"] else 503, shown)


@router.get(
    "/metrics",
    auth=READ,
    response=answers({200: None}),
    url_name="metrics",
    openapi_extra={"responses": {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}},
)
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, which sends a token with the scope `read` as its bearer token."""
    caller_of(request).demand("view_run")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


@router.get("/status", auth=READ, response=answers({200: dict[str, Any]}))
def status(request: HttpRequest) -> dict[str, Any]:
    """Whether the scheduler runs, what it does, and how many runs went how."""
    caller_of(request).demand("view_task")
    return {**get_scheduler_status(), "stats": get_job_stats()}


@router.get("/preview", auth=READ, response=answers({200: PreviewOut}))
def preview_cron(request: HttpRequest, query: Query[PreviewQuery]) -> dict[str, Any]:
    """The next times of a cron pattern, in its time zone."""
    return query.answer()


@router.post("/preview", auth=READ, response=answers({200: PreviewOut}, 400))
def preview_schedule(request: HttpRequest, data: Body[PreviewIn]) -> dict[str, Any]:
    """The next times of any schedule; nothing is saved."""
    return data.answer()


class SpiderFilters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Limit = 50
    cursor: Cursor | None = None


@router.get(
    "/spiders", auth=READ, by_alias=True, response=answers({200: Page[SpiderOut]}), tags=["spiders"]
)
def list_spiders(request: HttpRequest, query: Query[SpiderFilters]) -> Page[SpiderOut]:
    """All spiders of the project, in pages."""
    caller_of(request).demand("view_spiderinfo")
    rows = SpiderInfo.objects.all()
    found, cursor = paginate(rows, order="name", limit=query.limit, cursor=query.cursor)
    return Page[SpiderOut].model_construct(items=[_spider(row) for row in found], next=cursor)


@router.get(
    "/spiders/{name}",
    auth=READ, by_alias=True, response=answers({200: SpiderOut}, 404), tags=["spiders"],
)  # fmt: skip
def get_spider(request: HttpRequest, name: Name) -> SpiderOut:
    """One spider: what it reads, its arguments as a JSON schema, and what it gives."""
    caller_of(request).demand("view_spiderinfo")
    row = SpiderInfo.objects.filter(name=name).first()
    if row is None:
        raise NotFound({"name": [_("There is no spider named “%s”.") % name]})
    return _spider(row)


def _spider(row: SpiderInfo) -> SpiderOut:
    values = {name: getattr(row, name) for name in SPIDER_FIELDS}
    return SpiderOut.model_construct(**values, warning=row.remedy, schema_=row.schema)

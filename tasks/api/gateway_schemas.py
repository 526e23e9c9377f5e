from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from tasks.api.fields import Answer, Arguments, Line, Moment, Strict, left_out, text
from tasks.services.gateway import MAX_DEPTH

UserId = Annotated[str, text(200, 1), Field(examples=["customer-42"])]
Url = Annotated[str, text(2000, 1)]
Urls = Annotated[
    list[Url], Field(min_length=1, max_length=100, examples=[["https://shop.example/"]])
]
Cron = Annotated[str, text(255, 1), Field(examples=["0 6 * * *"])]
Depth = Annotated[
    int, Field(ge=0, le=MAX_DEPTH, description="Links away from the start; 0: no limit.")
]
Hours = Annotated[int, Field(ge=1, le=8760)]
Source = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,50}$")]


class CrawlIn(Strict):
    user_id: UserId
    spider: Annotated[str, text(200, 1)] = Field(examples=["vivbliss"])
    start_urls: Urls
    depth: Depth | None = Field(None, examples=[1])
    schedule_at: Moment | None = None
    interval: Cron | None = Field(None, description="A cron expression.", examples=[None])
    ignore_cache: bool | None = None
    params: Arguments | None = Field(None, examples=[{"max_pages": 50}])


class JobChangeIn(Strict):
    name: Line = left_out()
    start_urls: Urls = left_out()
    depth: Depth | None = left_out(description="null: as the spider has it.")
    params: Arguments = left_out()
    interval: Cron | None = left_out(description="A cron expression.")
    schedule_at: Moment | None = left_out()
    cron_expression: Cron = left_out(description="As in a search; the same as `interval`.")
    interval_hours: Hours = left_out(description="As in a search.")


class SearchIn(Strict):
    query: Annotated[str, text(300, 1)] = Field(examples=["oak table"])
    sources: Annotated[list[Source], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: ["google", "bing"], examples=[["google", "bing"]]
    )
    cron_expression: Cron | None = Field(None, examples=["0 6 * * *"])
    interval_hours: Hours | None = Field(None, examples=[None])


class ExportIn(Strict):
    search_id: Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]{1,100}$")] = Field(
        examples=["search-0123456789ab"]
    )
    format: Literal["csv", "xlsx", "json", "jsonl"] = "csv"
    cron_expression: Cron


class CrawlOut(Answer):
    job_id: str
    scheduled: bool
    cached: bool
    cached_at: datetime | None = None
    next_run: datetime | None = None
    status_url: str
    logs_url: str


class JobOut(Answer):
    id: str
    name: str
    next_run: datetime | None
    trigger: str = Field(examples=["cron[0 6 * * *]"])
    pending: bool
    kwargs: dict[str, Any]


class JobsOut(Answer):
    jobs: list[JobOut]
    total: int


class JobStatusOut(Answer):
    job_id: str
    status: Literal["pending", "running", "finished", "error"]
    outcome: str | None = Field(examples=["succeeded"])
    started_at: datetime | None
    spider_job_id: str | None
    next_run: datetime | None = None
    file_url: str | None = Field(
        None, description="Of an export whose latest run ended well: its file."
    )


class MessageOut(Answer):
    message: str


class JobMessageOut(Answer):
    job_id: str
    message: str

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from tasks.api.fields import (
    Answer,
    Arguments,
    Count,
    Line,
    Moment,
    Settings,
    Slug,
    Strict,
    Text,
    ZoneName,
    left_out,
    text,
)

Kind = Literal["spider", "pipeline", "search", "analysis", "export", "cleanup"]
ScheduleKind = Literal["cron", "interval", "once", "after", "startup"]
Overlap = Literal["skip", "queue", "allow", "cancel_running"]
CatchUp = Literal["latest", "none", "all"]
AlertKind = Literal["failed", "suspicious", "missed", "recovered"]
Executor = Literal["", "local", "scrapyd", "celery"]
Tag = Annotated[str, text(50, 1)]
Small = Annotated[int, Field(ge=0, le=32_767)]
Percent = Annotated[int, Field(ge=0, le=100)]


class ScheduleIn(Strict):
    key: Slug = left_out(description="Stable name within the task; by default that of its kind.")
    kind: ScheduleKind = Field(examples=["cron"])
    cron: Annotated[str, text(255)] = left_out(examples=["0 6 * * mon-fri"])
    weeks: Count = left_out()
    days: Count = left_out()
    hours: Count = left_out()
    minutes: Count = left_out()
    seconds: Count = left_out()
    run_at: Moment | None = left_out()
    start_at: Moment | None = left_out()
    end_at: Moment | None = left_out()
    after_task: Slug | None = left_out(description="For kind `after`: the task it follows.")
    after_on: Literal["success", "failure", "either"] = left_out()
    delay: Count = left_out(description="For kind `after`: seconds between the two.")
    timezone: ZoneName = left_out()
    jitter: Count = left_out(description="Spreads starts by at most this many seconds.")
    enabled: bool = left_out()


class TaskFields(Strict):
    """What can be set on a task; a field that is left out keeps its value."""

    name: Line = left_out(examples=["Shop prices"])
    description: Text = left_out()
    kind: Kind = left_out()
    spider: Annotated[str, text(200)] = left_out(examples=["vivbliss"])
    arguments: Arguments = left_out(examples=[{"start_urls": ["https://shop.example/"]}])
    settings: Settings = left_out(examples=[{"DOWNLOAD_DELAY": 1.5}])
    enabled: bool = left_out()
    tags: Annotated[list[Tag], Field(max_length=50)] = left_out(examples=[["shop"]])
    timeout: Count = left_out(description="Seconds after which a run is stopped; 0: never.")
    no_progress_timeout: Count = left_out()
    memory_limit_mb: Count = left_out()
    max_retries: Small = left_out()
    retry_delay: Count = left_out()
    overlap_policy: Overlap = left_out()
    max_instances: Annotated[int, Field(ge=1, le=32_767)] = left_out()
    catch_up: CatchUp = left_out()
    catch_up_window: Count | None = left_out()
    executor: Executor = left_out()
    priority: Annotated[int, Field(ge=-100, le=100)] = left_out()
    allow_empty: bool = left_out()
    min_items: Count | None = left_out()
    usual_share: Percent = left_out()
    max_errors: Count | None = left_out()
    http_cache: bool = left_out()
    http_cache_ttl: Count = left_out()
    keep_days: Count | None = left_out()
    keep_runs: Count | None = left_out()
    keep_megabytes: Count | None = left_out()
    alert_to: Annotated[list[Annotated[str, text(254, 1)]], Field(max_length=20)] = left_out(
        description="E-mail addresses.", examples=[["maja@company.example"]]
    )
    alert_on: Annotated[list[AlertKind], Field(max_length=10)] = left_out(
        description="Of what they are told.", examples=[["failed", "suspicious"]]
    )
    schedules: Annotated[list[ScheduleIn], Field(max_length=50)] = left_out(
        description="All of them: what is not in the list goes away.",
        examples=[[{"kind": "cron", "cron": "0 6 * * mon-fri", "timezone": "Europe/Stockholm"}]],
    )

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class TaskIn(TaskFields):
    task_id: Slug = left_out(description="By default made of the name.", examples=["shop-prices"])


class PauseIn(Strict):
    note: Annotated[str, text(500)] = Field("", examples=["The shop is being rebuilt."])


class RunIn(Strict):
    arguments: Arguments = left_out(description="Instead of the task's own, for this run alone.")
    ignore_cache: bool = Field(
        default=False, description="Reads each page anew, also where the task keeps pages."
    )


class ScheduleOut(Answer):
    key: str
    kind: ScheduleKind
    description: str = Field(examples=["Monday to Friday at 06:00"])
    cron: str
    weeks: int
    days: int
    hours: int
    minutes: int
    seconds: int
    run_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None
    after_task: str | None
    after_on: str
    delay: int
    timezone: str
    jitter: int
    enabled: bool
    next_run_time: datetime | None


class TaskOut(Answer):
    task_id: str = Field(examples=["shop-prices"])
    name: str
    description: str
    kind: Kind
    spider: str
    arguments: dict[str, Any]
    settings: dict[str, Any]
    enabled: bool
    disabled_note: str
    disabled_by: str
    disabled_at: datetime | None
    tags: list[str]
    owner: str | None
    timeout: int
    no_progress_timeout: int
    memory_limit_mb: int
    max_retries: int
    retry_delay: int
    overlap_policy: Overlap
    max_instances: int
    catch_up: CatchUp
    catch_up_window: int | None
    executor: str
    priority: int
    allow_empty: bool
    min_items: int | None
    usual_share: int
    max_errors: int | None
    http_cache: bool
    http_cache_ttl: int
    keep_days: int | None
    keep_runs: int | None
    keep_megabytes: int | None
    alert_to: list[str]
    alert_on: list[AlertKind]
    user_id: str
    schedules: list[ScheduleOut]
    schedule_type: str | None = Field(description="The kind of the first schedule.")
    schedule: str = Field(description="All schedules in plain words.")
    next_run_time: datetime | None
    last_run: datetime | None
    last_run_id: str | None
    last_status: str | None
    version: int = Field(description="Grows with each change; also the ETag.")
    created_at: datetime
    updated_at: datetime


class LastErrorOut(Answer):
    timestamp: datetime
    job_id: str
    run_id: UUID
    exception: str = Field(description="The reason of the newest failed run.")


class StatsOut(Answer):
    """Of all runs that are still kept."""

    jobs_executed: int
    jobs_failed: int
    jobs_missed: int
    jobs_skipped: int
    last_error: LastErrorOut | None

"""When nothing starts, how to start less at once, and runs for the past."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Body, Path, Query, Router, Status
from pydantic import BaseModel, ConfigDict, Field

from tasks.api.answers import answers
from tasks.api.auth import READ, RUN, WRITE, caller_of
from tasks.api.fields import MAX_INTEGER, Answer, Instant, Line, Slug, Strict, ZoneName, left_out
from tasks.api.fields import text as limited
from tasks.api.run_schemas import RunOut, show_run
from tasks.models import Blackout
from tasks.services.backfill import backfill, count_backfill
from tasks.services.controls import (
    current_hold,
    hold_everything,
    release_hold,
    remove_blackout,
    save_blackout,
)
from tasks.services.errors import InvalidInput
from tasks.services.load import hours_of_the_week
from tasks.services.spreading import HOUR, plan_spread, spread_schedules
from tasks.services.standing import blackout_info, hold_info, spread_info
from tasks.services.tasks import get_task
from tasks.services.watch import never_running_info
from tasks.timing import MAX_JITTER
from tasks.zones import load_zone

router = Router(tags=["standing"])

TaskId = Annotated[Slug, Path(examples=["shop-prices"])]
Number = Annotated[int, Path(ge=1, le=MAX_INTEGER)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:30"])]


class HoldIn(Strict):
    note: Annotated[str, limited(500, 1)] = Field(examples=["The database moves."])
    ends_at: Instant | None = Field(None, description="By default until it is released.")


class HoldOut(Answer):
    note: str
    author: str
    starts_at: datetime
    ends_at: datetime | None


class BlackoutIn(Strict):
    """Once: `starts_at` and `ends_at`. Every week: `weekdays`, `start_time` and `end_time`."""

    name: Line = left_out(examples=["Nights"])
    task_id: Slug | None = left_out(description="Only for this task; by default for every task.")
    starts_at: Instant | None = left_out()
    ends_at: Instant | None = left_out()
    weekdays: Annotated[list[Day], Field(max_length=7)] = left_out(examples=[["mon", "tue"]])
    start_time: Clock | None = left_out(examples=["22:00"])
    end_time: Clock | None = left_out(examples=["06:00"])
    timezone: ZoneName = left_out()
    enabled: bool = left_out()

    def fields(self) -> dict[str, Any]:
        given = self.model_dump(exclude_unset=True)
        if "task_id" in given:
            task_id = given.pop("task_id")
            given["task"] = get_task(task_id) if task_id else None
        for name in ("start_time", "end_time"):
            if given.get(name):
                given[name] = time.fromisoformat(given[name])
        return given


class BlackoutOut(Answer):
    id: int
    name: str
    task_id: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    weekdays: list[str]
    start_time: str | None
    end_time: str | None
    timezone: str
    enabled: bool


class SpreadIn(Strict):
    task_ids: Annotated[list[Slug], Field(min_length=1, max_length=1000)] = Field(
        examples=[["shop-prices"]]
    )
    seconds: Annotated[int, Field(ge=0, le=MAX_JITTER)] = Field(
        HOUR, description="The span; 0 lets them start at their planned time again."
    )
    dry_run: bool = Field(False, description="Only show the new times.")


class SpreadOut(Answer):
    task_id: str
    schedule: str
    before: datetime
    after: datetime


class BackfillIn(Strict):
    start: Instant = Field(
        description="From this planned time on.", examples=["2026-03-02T00:00:00+01:00"]
    )
    end: Instant = Field(
        description="Until this one, itself included.", examples=["2026-03-03T00:00:00+01:00"]
    )
    dry_run: bool = Field(False, description="Only say how many.")


class BackfillOut(Answer):
    runs: int
    items: list[RunOut]


class LoadQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    timezone: ZoneName | None = None


class LoadOut(Answer):
    timezone: str
    week: list[list[int]] = Field(description="Monday to Sunday, of each the hours 0 to 23.")


class NeverOut(Answer):
    task_id: str
    schedule: str | None
    code: str
    message: str


@router.get("/hold", auth=READ, response=answers({200: HoldOut | None}))
def get_hold(request: HttpRequest) -> dict[str, Any] | None:
    """Null while nothing is on hold."""
    caller_of(request).demand("view_hold")
    return hold_info(current_hold())


@router.post("/hold", auth=WRITE, response=answers({201: HoldOut}, 400, 409))
def hold(request: HttpRequest, data: Body[HoldIn]) -> Status[dict[str, Any] | None]:
    """From now on no schedule starts a run; each firing is recorded as skipped."""
    made = hold_everything(note=data.note, ends_at=data.ends_at, actor=caller_of(request).actor)
    return Status(201, hold_info(made))


@router.delete("/hold", auth=WRITE, response=answers({204: None}, 409))
def release(request: HttpRequest) -> Status[None]:
    """Schedules start runs again; what was due in between is not made up for."""
    release_hold(actor=caller_of(request).actor)
    return Status(204, None)


@router.get("/blackouts", auth=READ, response=answers({200: list[BlackoutOut]}))
def list_blackouts(request: HttpRequest) -> list[dict[str, Any]]:
    """All times in which planned runs are skipped."""
    caller_of(request).demand("view_blackout")
    return [blackout_info(each) for each in Blackout.objects.select_related("task")[:1000]]


@router.post("/blackouts", auth=WRITE, response=answers({201: BlackoutOut}, 400, 404))
def add_blackout(request: HttpRequest, data: Body[BlackoutIn]) -> Status[dict[str, Any]]:
    """A time in which planned runs are skipped, once or every week."""
    actor = caller_of(request).actor
    actor.demand("add_blackout")
    return Status(201, blackout_info(save_blackout(actor=actor, **data.fields())))


@router.patch("/blackouts/{number}", auth=WRITE, response=answers({200: BlackoutOut}, 400, 404))
def change_blackout(request: HttpRequest, number: Number, data: Body[BlackoutIn]) -> dict[str, Any]:
    """Changes the fields that are sent and leaves all others as they are."""
    actor = caller_of(request).actor
    actor.demand("change_blackout")
    return blackout_info(save_blackout(blackout_id=number, actor=actor, **data.fields()))


@router.delete("/blackouts/{number}", auth=WRITE, response=answers({204: None}, 404))
def delete_blackout(request: HttpRequest, number: Number) -> Status[None]:
    """From now on runs start in this time again."""
    remove_blackout(blackout_id=number, actor=caller_of(request).actor)
    return Status(204, None)


@router.post("/spread", auth=WRITE, response=answers({200: list[SpreadOut]}, 400, 404))
def spread(request: HttpRequest, data: Body[SpreadIn]) -> list[dict[str, Any]]:
    """Gives each schedule of these tasks a fixed delay within the span; no slot moves."""
    caller = caller_of(request)
    wanted: dict[str, Any] = {"task_ids": data.task_ids, "seconds": data.seconds}
    if data.dry_run:
        caller.demand("view_task")
        return [spread_info(each) for each in plan_spread(**wanted)]
    return [spread_info(each) for each in spread_schedules(**wanted, actor=caller.actor)]


@router.post("/tasks/{task_id}/backfill", auth=RUN, response=answers({202: BackfillOut}, 400, 404))
def backfill_task(
    request: HttpRequest, task_id: TaskId, data: Body[BackfillIn]
) -> Status[BackfillOut]:
    """Queues one run for each slot with start <= slot <= end, at most 500."""
    caller = caller_of(request)
    span: dict[str, Any] = {"task_id": task_id, "start": data.start, "end": data.end}
    if data.dry_run:
        caller.demand("view_task")
        return Status(202, BackfillOut(runs=count_backfill(**span), items=[]))
    runs = backfill(**span, actor=caller.actor)
    shown = [show_run(run) for run in runs]
    return Status(202, BackfillOut.model_construct(runs=len(runs), items=shown))


@router.get("/load", auth=READ, response=answers({200: LoadOut}, 400))
def load(request: HttpRequest, query: Query[LoadQuery]) -> dict[str, Any]:
    """How many runs start in each hour of the seven days from now."""
    caller_of(request).demand("view_task")
    zone = _zone(query.timezone)
    return {"timezone": zone, "week": hours_of_the_week(zone=zone)}


def _zone(name: str | None) -> str:
    if name is None:
        return str(settings.SCHEDULER_TIMEZONE)
    try:
        return load_zone(name).key
    except ValueError:
        message = _("%(name)s is not a time zone. Example: Europe/Stockholm.")
        raise InvalidInput({"timezone": [message % {"name": name}]}) from None


@router.get("/never-runs", auth=READ, response=answers({200: list[NeverOut]}))
def never_runs(request: HttpRequest) -> list[dict[str, str | None]]:
    """What is on and yet will never run, each with the reason."""
    caller_of(request).demand("view_task")
    return never_running_info()

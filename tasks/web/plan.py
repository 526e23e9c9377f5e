"""When schedules run next: always asked of the engine that also fires them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from tasks import upcoming as engine
from tasks.models import Schedule, Task
from tasks.services.errors import InvalidInput
from tasks.services.schedules import build, check, delay_of, settled_until, timing_of
from tasks.services.status import describe_schedule
from tasks.web import when
from tasks.web.forms.schedule import ScheduleForm

SHOWN = 5
NO_TIME = timedelta(0)
RESOLUTION = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    iso: str
    day: str
    clock: str
    relative: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    sentence: str = ""
    runs: list[PlannedRun] = field(default_factory=list)
    errors: list[Refusal] = field(default_factory=list)
    nothing: str = ""
    spread: str = ""
    """Said before the first saving, which settles by how much each start is delayed."""


def upcoming(
    schedule: Schedule, after: datetime, spacing: timedelta = NO_TIME
) -> Iterator[datetime]:
    """When runs start, each at least `spacing` after the one before. None of a schedule that was
    written past the services and can't be read: Needs attention says what is wrong with it."""
    timing, delay = timing_of(schedule), delay_of(schedule)
    with suppress(ValueError):
        slot = timing.coming(settled_until(schedule, after))
        while slot is not None:
            yield slot + delay
            slot = timing.next_time(slot + max(spacing - RESOLUTION, NO_TIME))


def next_of(schedules: Iterable[Schedule], after: datetime) -> datetime | None:
    moments = (next(upcoming(each, after), None) for each in schedules if each.enabled)
    return min((moment for moment in moments if moment), default=None)


def next_of_task(task: Task, after: datetime) -> datetime | None:
    return next_of(task.schedules.all(), after) if task.enabled else None


def sentence(schedules: Iterable[Schedule]) -> list[str]:
    return [describe_schedule(schedule) for schedule in schedules]


def preview(form: ScheduleForm, now: datetime, task: Task | None) -> Preview:
    """What one builder says now: the sentence and the next runs, or what to mend."""
    if form.is_bound:
        if not form.is_valid():
            return Preview(errors=_refusals(form))
        return _preview_of(form, form.values(), now, task)
    if form.stored is not None:
        return _shown(form.stored, now)
    return _preview_of(form, default_values(form), now, task)


def default_values(form: ScheduleForm) -> dict[str, Any]:
    """An untouched builder, read as if it had been sent."""
    data = {bound.html_name: bound.value() for bound in form}
    sent = ScheduleForm({k: v for k, v in data.items() if v is not None}, prefix=form.prefix)
    return sent.values() if sent.is_valid() else {}


def _preview_of(
    form: ScheduleForm, values: dict[str, Any], now: datetime, task: Task | None
) -> Preview:
    try:
        schedule = build(task or Task(), values, stored=form.stored)
        errors = check(schedule, stored=form.stored)
    except InvalidInput as error:
        errors = error.errors
    if not errors:
        return _shown(schedule, now)
    if form.is_bound:
        for name, texts in errors.items():
            for text in texts:
                form.add_service_error(name, text)
        return Preview(errors=_refusals(form))
    return Preview(errors=[Refusal(name, text) for name, texts in errors.items() for text in texts])


def _refusals(form: ScheduleForm) -> list[Refusal]:
    return [Refusal(name, str(text)) for name, texts in form.errors.items() for text in texts]


def _shown(schedule: Schedule, now: datetime) -> Preview:
    delay = delay_of(schedule)
    try:
        after = settled_until(schedule, now)
        ahead = engine.upcoming(timing_of(schedule), after=after, number=SHOWN)
    except ValueError as error:
        return Preview(errors=[Refusal("cron", str(error))])
    zone = ZoneInfo(schedule.timezone)
    runs = [_planned(replace(each, at=each.at + delay), now, zone) for each in ahead]
    return Preview(
        sentence=_with_zone(schedule),
        runs=runs,
        nothing="" if runs else _nothing(schedule),
        spread=_spread(schedule) if runs else "",
    )


def _with_zone(schedule: Schedule) -> str:
    words = describe_schedule(schedule)
    if schedule.kind not in {Schedule.Kind.CRON, Schedule.Kind.ONCE}:
        return words
    return f"{words}, {when.zone_label(ZoneInfo(schedule.timezone))}"


def _spread(schedule: Schedule) -> str:
    if schedule.pk or not schedule.jitter:
        return ""
    return _("Each starts up to %(time)s later. Saving settles by how much.") % {
        "time": when.coarse(schedule.jitter)
    }


def _planned(each: engine.Upcoming, now: datetime, zone: ZoneInfo) -> PlannedRun:
    local = each.at.astimezone(zone)
    return PlannedRun(
        iso=local.isoformat(timespec="minutes"),
        day=when.day_label(local.date(), now.astimezone(zone).date()),
        clock=local.strftime("%H:%M:%S" if local.second else "%H:%M"),
        relative=when.relative(each.at, now),
        note=each.note,
    )


def _nothing(schedule: Schedule) -> str:
    if schedule.kind == Schedule.Kind.AFTER:
        return _("The times follow the other task.")
    if schedule.kind == Schedule.Kind.STARTUP:
        return _("There are no fixed times.")
    return _("No more runs are planned.")


def moments(
    schedules: Iterable[Schedule],
    after: datetime,
    until: datetime,
    most: int,
    spacing: timedelta = NO_TIME,
) -> list[datetime]:
    """The planned runs in a span of time, the earliest `most` of them."""
    found: list[datetime] = []
    for schedule in schedules:
        times = upcoming(schedule, after, spacing)
        found += islice(takewhile(lambda moment: moment <= until, times), most)
    return sorted(found)[:most]


def count(schedules: Iterable[Schedule], after: datetime, until: datetime) -> int:
    return sum(_count(each, after, until) for each in schedules)


def _count(schedule: Schedule, after: datetime, until: datetime) -> int:
    delay = delay_of(schedule)
    try:
        return timing_of(schedule).count(after - delay, until - delay)
    except ValueError:
        return 0

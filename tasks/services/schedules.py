"""When a task runs: checks schedules and writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from tasks import cron, zones
from tasks.models import Schedule, Task
from tasks.services.errors import InvalidInput
from tasks.slots import fingerprint, jitter_delay
from tasks.timing import Timing, TimingError, validate

UNITS = ("weeks", "days", "hours", "minutes", "seconds")
TIMING = tuple(each.name for each in dataclass_fields(Timing))
MOMENTS = ("run_at", "start_at", "end_at")
WRITABLE = (
    "key", "kind", "cron", *UNITS, *MOMENTS, "after_task", "after_on", "delay", "timezone",
    "jitter", "enabled", "anchor",
)  # fmt: skip

Errors = dict[str, list[str]]
_timing = attrgetter(*TIMING)


def timing_of(schedule: Schedule) -> Timing:
    return Timing(*_timing(schedule))


def delay_of(schedule: Schedule) -> timedelta:
    """How long after each of its slots it starts; nothing before it is saved."""
    return jitter_delay(str(schedule.pk), schedule.jitter) if schedule.pk else timedelta()


def settled_until(schedule: Schedule, now: datetime) -> datetime:
    """Slots up to here start no more: they did, or they were before the schedule was as it is."""
    delay = delay_of(schedule)
    if not delay or schedule.watermark is None:
        return now - delay
    return max(now - delay, schedule.watermark)


def state_of(schedule: Schedule) -> dict[str, Any]:
    """The fields that people set, as JSON values, for the audit and the export."""
    state = {name: getattr(schedule, name) for name in WRITABLE if name != "after_task"}
    state["after_task"] = schedule.after_task.task_id if schedule.after_task else None
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in state.items()
    }


def check(
    schedule: Schedule, *, stored: Schedule | None = None, upstreams: Upstreams | None = None
) -> Errors:
    """What is wrong with one schedule, by field; empty when it is right."""
    errors: Errors = {}
    unchanged = stored is not None and state_of(stored) == state_of(schedule)
    try:
        # The tasks that it names were looked up, and cost a statement to look up again.
        schedule.full_clean(
            exclude=["task", "after_task"], validate_unique=False, validate_constraints=False
        )
    except ValidationError as error:
        errors.update(error.message_dict)
    if not errors and not unchanged:
        errors.update(_check_timing(schedule, upstreams or Upstreams()))
    return errors


def _check_timing(schedule: Schedule, upstreams: Upstreams) -> Errors:
    if schedule.kind == Schedule.Kind.AFTER:
        return _check_upstream(schedule, upstreams)
    try:
        validate(
            timing_of(schedule),
            now=timezone.now(),
            min_interval=settings.SCHEDULER_MIN_INTERVAL,
        )
    except TimingError as error:
        return {error.field: [str(error)]}
    if schedule.kind == Schedule.Kind.CRON:
        schedule.cron = cron.normalise(schedule.cron)
    return {}


def _check_upstream(schedule: Schedule, upstreams: Upstreams) -> Errors:
    if schedule.after_task is None:
        return {"after_task": [_("Choose the task that this one follows.")]}
    if (
        schedule.task_id
        and schedule.after_task.pk
        and upstreams.leads_to(schedule.after_task.pk, schedule.task_id)
    ):
        return {"after_task": [_("These tasks would start each other for ever.")]}
    return {}


class Upstreams:
    """The tasks that schedules of any number of tasks follow, looked up in one statement."""

    def __init__(self, schedules: Iterable[Sequence[Mapping[str, Any]]] = ()) -> None:
        names = [each.get("after_task") for several in schedules for each in several]
        # PostgreSQL takes no NUL, and a file may hold anything.
        wanted = {name for name in names if isinstance(name, str) and "\0" not in name}
        rows = Task.objects.filter(task_id__in=wanted) if wanted else ()
        self._known = {task.task_id: task for task in rows}

    def find(self, value: object) -> Task | None:
        if value is None or isinstance(value, Task):
            return value
        if not isinstance(value, str) or value not in self._known:
            raise InvalidInput({"after_task": [_("There is no task “%s”.") % str(value)[:100]]})
        return self._known[value]

    @cached_property
    def _edges(self) -> dict[int, set[int | None]]:
        edges: dict[int, set[int | None]] = {}
        rows = Schedule.objects.filter(kind=Schedule.Kind.AFTER)
        for follower, before in rows.values_list("task_id", "after_task_id"):
            edges.setdefault(follower, set()).add(before)
        return edges

    def leads_to(self, upstream: int, task: int) -> bool:
        """Whether `upstream` is `task`, or runs after it through any chain."""
        seen: set[int | None] = set()
        to_see: list[int | None] = [upstream]
        while to_see:
            current = to_see.pop()
            if current == task:
                return True
            if current not in seen:
                seen.add(current)
                to_see.extend(self._edges.get(current or 0, ()))
        return False

    def learn(self, task: Task, schedules: Iterable[Schedule]) -> None:
        """What a task will follow that is not saved yet."""
        followed = {each.after_task_id for each in schedules if each.after_task_id}
        if task.pk and (followed or "_edges" in vars(self)):
            self._edges[task.pk] = {*followed}


def build(
    task: Task,
    data: Mapping[str, Any],
    *,
    stored: Schedule | None,
    upstreams: Upstreams | None = None,
) -> Schedule:
    """An unsaved schedule of the given fields. Raises InvalidInput for a field it can't read."""
    unknown = sorted(set(data) - set(WRITABLE))
    if unknown:
        raise InvalidInput({name: [_("There is no field of this name.")] for name in unknown})
    schedule = Schedule(task=task, key=str(data.get("key") or data.get("kind") or ""))
    if stored is not None:
        schedule.pk, schedule.anchor = stored.pk, stored.anchor
        schedule.watermark, schedule.timing_hash = stored.watermark, stored.timing_hash
        schedule.created_at = stored.created_at
    else:
        # As fine as a Django fixture keeps it, so that one brings back the same times.
        schedule.anchor = _to_milliseconds(schedule.anchor)
    for name, value in data.items():
        if name == "after_task":
            schedule.after_task = (upstreams or Upstreams([[data]])).find(value)
        elif value is not None or name in MOMENTS:
            setattr(schedule, name, value)
    for name in (*MOMENTS, "anchor"):
        setattr(schedule, name, moment_of(getattr(schedule, name), schedule.timezone, name))
    if schedule.kind == Schedule.Kind.INTERVAL and schedule.start_at:
        schedule.anchor = schedule.start_at
    return schedule


def _to_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def moment_of(value: object, zone: str, field: str) -> datetime | None:
    """A moment without offset is on the schedule's wall clock."""
    if value is None or value == "":
        return None
    message = _("Write a date and time such as 2026-04-02 09:30.")
    try:
        moment = value if isinstance(value, datetime) else _read_moment(str(value))
        if moment is not None and moment.tzinfo is None:
            moment = zones.moment_on(moment, ZoneInfo(zone))
        moment = moment and moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError, LookupError):
        moment = None
    if moment is None:
        raise InvalidInput({field: [message]})
    return moment


# A plus sign that was not escaped in an address arrives as a blank.
_LOST_PLUS = re.compile(r"([0-9]:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?) ([0-9]{2}:[0-9]{2})$")


def _read_moment(text: str) -> datetime | None:
    return parse_datetime(_LOST_PLUS.sub(r"\1+\4", text))


def start_over(schedule: Schedule, *, now: datetime) -> bool:
    """An edited or switched schedule owes nothing for the time before; sets its fields only."""
    on = schedule.enabled and schedule.task.enabled
    new = fingerprint(timing_of(schedule), enabled=on)
    if new == schedule.timing_hash:
        return False
    schedule.timing_hash, schedule.watermark = new, now
    return True


def start_all_over(task: Task) -> None:
    """After the task was switched on or off."""
    now = timezone.now()
    for schedule in task.schedules.all():
        schedule.task = task
        if start_over(schedule, now=now):
            schedule.save(update_fields=["timing_hash", "watermark", "updated_at"])


def replace_schedules(task: Task, data: Sequence[Mapping[str, Any]]) -> None:
    """Makes the task's schedules what `data` says, keeping rows by key.

    Raises InvalidInput with `schedules.INDEX.FIELD`; the caller holds the transaction.
    """
    stored = {each.key: each for each in task.schedules.select_related("after_task", "task")}
    wanted = read_schedules(task, data, stored=stored, upstreams=Upstreams([data]))
    task.schedules.exclude(key__in=[each.key for each in wanted]).delete()
    for schedule in wanted:
        schedule.save(force_insert=schedule.key not in stored)


def read_schedules(
    task: Task,
    data: Sequence[Mapping[str, Any]],
    *,
    upstreams: Upstreams,
    stored: Mapping[str, Schedule] = MappingProxyType({}),
) -> list[Schedule]:
    """What `data` says, not saved; `stored` are the task's own by key.

    Raises InvalidInput as replace_schedules() does.
    """
    found = list(_read_all(task, data, stored, upstreams).values())
    for schedule in found:
        start_over(schedule, now=timezone.now())
    upstreams.learn(task, found)
    return found


def _read_all(
    task: Task,
    data: Sequence[Mapping[str, Any]],
    stored: Mapping[str, Schedule],
    upstreams: Upstreams,
) -> dict[str, Schedule]:
    errors: Errors = {}
    wanted: dict[str, Schedule] = {}
    for index, fields in enumerate(data):
        found = _read(task, fields, stored, wanted, upstreams)
        if isinstance(found, Schedule):
            wanted[found.key] = found
        else:
            errors.update({f"schedules.{index}.{name}": texts for name, texts in found.items()})
    if errors:
        raise InvalidInput(errors)
    return wanted


def _read(
    task: Task,
    fields: Mapping[str, Any],
    stored: Mapping[str, Schedule],
    taken: Mapping[str, Schedule],
    upstreams: Upstreams,
) -> Schedule | Errors:
    fields = {**fields, "key": fields.get("key") or _free_key(fields, taken)}
    if fields["key"] in taken:
        return {"key": [_("Two schedules of this task have the same key.")]}
    if fields.get("after_task") == task.task_id:
        return {"after_task": [_("These tasks would start each other for ever.")]}
    before = stored.get(str(fields["key"]))
    try:
        schedule = build(task, fields, stored=before, upstreams=upstreams)
    except InvalidInput as error:
        return error.errors
    return check(schedule, stored=before, upstreams=upstreams) or schedule


def _free_key(fields: Mapping[str, Any], taken: Mapping[str, Schedule]) -> str:
    stem = str(fields.get("kind") or "schedule")
    number = 1
    while (key := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return key

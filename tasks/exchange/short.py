"""The short form: `jobs`, in the words of APScheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from tasks.exchange import fields as cron_fields
from tasks.exchange.nodes import Node, Path, join
from tasks.exchange.problems import FileRefused, Problem
from tasks.exchange.records import Record

UNITS = ("weeks", "days", "hours", "minutes", "seconds")
CRON_FIELDS = (*cron_fields.FIELDS, *cron_fields.REFUSED)
KINDS = {"cron": "cron", "interval": "interval", "date": "once"}
SAME = ("name", "description", "enabled", "tags", "settings")
BOUNDS = {"start_date": "start_at", "end_date": "end_at"}

Job = dict[str, Any]


def records(root: Node) -> list[Record]:
    found: list[Record] = []
    problems: list[Problem] = []
    for index, job in enumerate(root.plain()["jobs"]):
        try:
            found.append(_record(root, ("jobs", index), job))
        except FileRefused as error:
            problems += error.problems
    if problems:
        raise FileRefused(problems)
    return found


def _record(root: Node, path: Path, job: Job) -> Record:
    record = Record(
        task_id=job["job_id"],
        fields={name: job[name] for name in SAME if name in job},
        schedules=[],
        root=root,
        path=path,
        places={"task_id": ("job_id",), "schedules.0": ()},
    )
    _set_config(record, job)
    _set_limits(record, job)
    record.schedules = [_schedule(record, job)]
    return record


def _refuse(record: Record, name: str, message: str) -> FileRefused:
    return FileRefused([record.problem(name, message)])


def _set_config(record: Record, job: Job) -> None:
    """`config`: spider, arguments and settings by name, the rest are arguments."""
    config = dict(job.get("config") or {})
    spiders = {each for each in (job.get("spider"), config.pop("spider", None)) if each}
    if len(spiders) != 1:
        message = _("Name one spider.") if spiders else _("The spider is missing.")
        raise _refuse(record, "spider", message)
    record.fields["spider"] = spiders.pop()
    settings = config.pop("settings", None)
    arguments: Job = {}
    for place, given in _sources(job, config):
        for name, value in given.items():
            if name in arguments:
                raise _refuse(
                    record, join((*place, name)), _("“%s” stands here twice.") % name[:60]
                )
            arguments[name] = value
            record.places[f"arguments.{name}"] = (*place, name)
    if arguments or "config" in job or "arguments" in job:
        record.fields["arguments"] = arguments
    if settings is not None:
        record.fields["settings"] = {**record.fields.get("settings", {}), **settings}
        record.places["settings"] = ("config", "settings")


def _sources(job: Job, config: Job) -> list[tuple[Path, Mapping[str, Any]]]:
    inner = config.pop("arguments", None) or {}
    return [
        (("arguments",), job.get("arguments") or {}),
        (("config", "arguments"), inner),
        (("config",), config),
    ]


def _set_limits(record: Record, job: Job) -> None:
    """What APScheduler's jobs carry besides, in our words."""
    if "max_instances" in job:
        several = job["max_instances"] > 1
        record.fields |= {
            "overlap_policy": "allow" if several else "skip",
            "max_instances": job["max_instances"],
        }
    if "misfire_grace_time" in job:
        record.fields["catch_up_window"] = job["misfire_grace_time"]
    if "coalesce" in job:
        record.fields["catch_up"] = "latest" if job["coalesce"] else "all"


def _schedule(record: Record, job: Job) -> Job:
    kind = job["type"]
    _refuse_strangers(record, job, kind)
    schedule: Job = {"key": KINDS[kind], "kind": KINDS[kind]}
    if job.get("timezone"):
        schedule["timezone"] = job["timezone"]
    for theirs, ours in BOUNDS.items():
        if job.get(theirs) is not None:
            schedule[ours] = job[theirs]
            record.places[f"schedules.0.{ours}"] = (theirs,)
    if "jitter" in job:
        schedule["jitter"] = job["jitter"] or 0
    return {**schedule, **WHEN[kind](record, job)}


def _refuse_strangers(record: Record, job: Job, kind: str) -> None:
    own = {
        "cron": {"cron_expression", *CRON_FIELDS},
        "interval": set(UNITS),
        "date": {"run_date"},
    }
    for other in {name for each in own.values() for name in each} - own[kind]:
        if other in job:
            message = _("This does not belong to a job of type “%s”.") % kind
            raise _refuse(record, other, message)


def _cron(record: Record, job: Job) -> Job:
    given = {name: job[name] for name in CRON_FIELDS if job.get(name) is not None}
    written = job.get("cron_expression")
    if (written is None) == (not given):
        message = _("Give either cron_expression or its fields (%s).")
        raise _refuse(record, "cron_expression", message % ", ".join(cron_fields.FIELDS))
    if written is not None:
        record.places["schedules.0.cron"] = ("cron_expression",)
        return {"cron": written}
    try:
        expression = cron_fields.expression_of(given)
    except cron_fields.FieldError as error:
        raise _refuse(record, error.field, str(error)) from None
    record.places["schedules.0.cron"] = (next(iter(given)),)
    return {"cron": expression}


def _interval(record: Record, job: Job) -> Job:
    units = {name: job.get(name) or 0 for name in UNITS}
    if not any(units.values()):
        raise _refuse(record, "hours", _("Say how often: one of %s.") % ", ".join(UNITS))
    return units


def _date(record: Record, job: Job) -> Job:
    if not job.get("run_date"):
        raise _refuse(record, "run_date", _("The moment is missing (run_date)."))
    record.places["schedules.0.run_at"] = ("run_date",)
    return {"run_at": job["run_date"]}


WHEN = {"cron": _cron, "interval": _interval, "date": _date}

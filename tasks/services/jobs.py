"""The gateway's jobs: a run that was asked for at once, or a task that runs by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Run, Schedule, Task
from tasks.secrets import MASK
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import InvalidInput, NotFound, asked_as
from tasks.services.gateway import ASKED, timing_of_job
from tasks.services.runs import cancel_run, get_run
from tasks.services.schedules import timing_of
from tasks.services.status import next_run_of
from tasks.services.tasks import disable_task, enable_task, remove_task, update_task

Word = Literal["pending", "running", "finished", "error"]
STATUS_WORDS: dict[Run.Status, Word] = {
    Run.Status.QUEUED: "pending",
    Run.Status.STARTING: "running",
    Run.Status.RUNNING: "running",
    Run.Status.SUCCEEDED: "finished",
    Run.Status.SUSPICIOUS: "finished",
}


@dataclass(frozen=True)
class FoundJob:
    """`task` of a scheduled job; `run` is the job itself, or the scheduled one's latest."""

    task: Task | None
    run: Run | None

    def describe(self) -> dict[str, Any]:
        if self.task is not None:
            return describe_job(self.task)
        return describe_run_job(self.run) if self.run is not None else {}

    @property
    def next_run(self) -> datetime | None:
        return next_run_of(self.task) if self.task is not None else None


def find_job(*, job_id: str, user_id: str | None = None) -> FoundJob:
    """With `user_id` the jobs of others don't exist."""
    if (run := _run(job_id)) is not None:
        found = FoundJob(None, run)
    else:
        task = Task.objects.prefetch_related("schedules").filter(task_id=job_id).first()
        latest = task.runs.select_related("task").newest_first().first() if task else None
        found = FoundJob(task, latest)
    owner = found.task or found.run
    if owner is None or (user_id is not None and owner.user_id != user_id):
        raise NotFound({"job_id": [_("There is no such job.")]})
    return found


def _run(job_id: str) -> Run | None:
    try:
        return get_run(UUID(job_id))
    except (ValueError, NotFound):
        return None


def job_status(run: Run | None) -> Word:
    return STATUS_WORDS.get(Run.Status(run.status), "error") if run else "pending"


def scheduled_jobs(*, user_id: str | None = None) -> QuerySet[Task]:
    own = Schedule.objects.filter(task=OuterRef("pk"))
    rows = Task.objects.filter(Exists(own)).prefetch_related("schedules").order_by("name", "pk")
    return rows if user_id is None else rows.filter(user_id=user_id)


def describe_job(task: Task) -> dict[str, Any]:
    schedules = list(task.schedules.all())
    return {
        "id": task.task_id,
        "name": task.name,
        "next_run": next_run_of(task, now=timezone.now()),
        "trigger": "; ".join(_trigger(each) for each in schedules),
        # Until a scheduler has taken it over.
        "pending": any(each.watermark is None for each in schedules),
        "kwargs": _kwargs(task),
    }


def describe_run_job(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "name": run.task_name,
        "next_run": None,
        "trigger": "now",
        "pending": run.status == Run.Status.QUEUED,
        "kwargs": _kwargs(run),
    }


def _kwargs(row: Task | Run) -> dict[str, Any]:
    depth = row.settings.get("DEPTH_LIMIT")
    return {
        "user_id": row.user_id,
        "spider": row.spider,
        **({} if depth is None else {"depth": depth}),
        **row.arguments,
        **dict.fromkeys(row.secrets, MASK),
    }


def _trigger(schedule: Schedule) -> str:
    """As APScheduler writes its triggers, with our cron expressions."""
    match schedule.kind:
        case Schedule.Kind.CRON:
            return f"cron[{schedule.cron}]"
        case Schedule.Kind.INTERVAL:
            return f"interval[{timing_of(schedule).period}]"
        case Schedule.Kind.ONCE:
            return f"date[{_iso(schedule.run_at)}]"
    return schedule.kind


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def change_job(
    *, job_id: str, changes: Mapping[str, Any], user_id: str | None = None, actor: Actor = PYTHON
) -> None:
    """Changes: name, start_urls, depth, params, interval, schedule_at; of a search also its own
    words cron_expression and interval_hours."""
    changes = _in_words_of_a_crawl(changes)
    task = _scheduled(job_id, user_id)
    if not changes:
        raise InvalidInput(_("Say what to change."))
    # What makes two requests the same is no longer what it was.
    fields: dict[str, Any] = {"fingerprint": ""}
    if "name" in changes:
        fields["name"] = changes["name"]
    if "depth" in changes:
        fields["settings"] = _settings(task, changes["depth"])
    fields |= _arguments(task, changes) | _schedules(task, changes)
    with asked_as(ASKED):
        update_task(task_id=task.task_id, actor=actor, **fields)


def _in_words_of_a_crawl(changes: Mapping[str, Any]) -> dict[str, Any]:
    timing = {"interval", "cron_expression", "interval_hours"} & set(changes)
    if len(timing) > 1 or ("interval_hours" in timing and "schedule_at" in changes):
        raise InvalidInput({"interval": [_("Say in one way how often it runs.")]})
    return {("interval" if name == "cron_expression" else name): changes[name] for name in changes}


def _settings(task: Task, depth: int | None) -> dict[str, Any]:
    rest = {name: value for name, value in task.settings.items() if name != "DEPTH_LIMIT"}
    return rest if depth is None else {**rest, "DEPTH_LIMIT": depth}


def _arguments(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    if not {"start_urls", "params"} & set(changes):
        return {}
    kept = {"start_urls": task.arguments["start_urls"]} if "start_urls" in task.arguments else {}
    wanted = {"start_urls": changes["start_urls"]} if "start_urls" in changes else kept
    rest = {name: value for name, value in task.arguments.items() if name != "start_urls"}
    return {"arguments": {**changes.get("params", rest), **wanted}}


def _schedules(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    if "interval_hours" in changes:
        return {"schedules": [{"kind": "interval", "hours": changes["interval_hours"]}]}
    if not {"interval", "schedule_at"} & set(changes):
        return {}
    old = task.schedules.first()
    cron = old.cron if old and old.kind == Schedule.Kind.CRON else None
    interval = changes.get("interval", cron)
    started = _iso(old.start_at) if old and interval == cron else None
    schedule_at = changes.get("schedule_at", started or None)
    if not interval and not schedule_at:
        raise InvalidInput({"interval": [_("Give an interval, a moment, or both.")]})
    return {"schedules": [timing_of_job(schedule_at=schedule_at, interval=interval)]}


def pause_job(*, job_id: str, user_id: str | None = None, actor: Actor = PYTHON) -> None:
    disable_task(task_id=_scheduled(job_id, user_id).task_id, actor=actor)


def resume_job(*, job_id: str, user_id: str | None = None, actor: Actor = PYTHON) -> None:
    enable_task(task_id=_scheduled(job_id, user_id).task_id, actor=actor)


def remove_job(*, job_id: str, user_id: str | None = None, actor: Actor = PYTHON) -> None:
    """A scheduled job goes away; one at once is stopped."""
    job = find_job(job_id=job_id, user_id=user_id)
    if job.task is not None:
        remove_task(task_id=job.task.task_id, actor=actor)
    elif job.run is not None and not job.run.is_ended:
        cancel_run(run_id=job.run.pk, actor=actor)
    else:
        actor.demand("operate_task")


def _scheduled(job_id: str, user_id: str | None) -> Task:
    job = find_job(job_id=job_id, user_id=user_id)
    if job.task is None:
        raise InvalidInput({"job_id": [_("This job runs once, at once: only DELETE stops it.")]})
    return job.task

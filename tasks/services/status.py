"""Reads that every door shows in its own form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django_apscheduler.models import DjangoJob

from tasks.describe import describe
from tasks.models import Run, Schedule, SchedulerProcess, Task
from tasks.outcomes import Said, sentence
from tasks.services.alerts import outbox
from tasks.services.disk import LEAST_FREE_BYTES
from tasks.services.schedules import delay_of, settled_until, timing_of
from tasks.services.tasks import get_task

Status = Run.Status
# A heartbeat comes every second or two; after this long the scheduler counts as away.
STALE_AFTER = timedelta(seconds=15)
EXECUTED = (Status.SUCCEEDED, Status.SUSPICIOUS, Status.FAILED, Status.CANCELLED)

Info = dict[str, Any]


def scheduler_processes(now: datetime | None = None) -> list[SchedulerProcess]:
    since = (now or timezone.now()) - STALE_AFTER
    return list(SchedulerProcess.objects.filter(seen_at__gte=since))


def next_run_time(schedule: Schedule, *, now: datetime) -> datetime | None:
    if not (schedule.enabled and schedule.task.enabled):
        return None
    delay = delay_of(schedule)
    try:
        slot = timing_of(schedule).coming(settled_until(schedule, now))
        return None if slot is None else slot + delay
    except ValueError:  # a row that was written past the services: a page must still show it
        return None


def next_run_of(task: Task, *, now: datetime | None = None) -> datetime | None:
    now = now or timezone.now()
    times = [next_run_time(each, now=now) for each in task.schedules.all()]
    return min((time for time in times if time is not None), default=None)


def describe_schedule(schedule: Schedule) -> str:
    after = schedule.after_task.name if schedule.after_task else ""
    return describe(timing_of(schedule), after=after, after_on=schedule.after_on)


def get_task_info(*, task_id: str) -> Info:
    return _info(get_task(task_id), now=timezone.now())


def list_tasks(
    *, enabled: bool | None = None, tag: str | None = None, search: str | None = None
) -> list[Info]:
    tasks = Task.objects.prefetch_related("tags", "schedules__after_task")
    if enabled is not None:
        tasks = tasks.filter(enabled=enabled)
    if tag is not None:
        tasks = tasks.filter(tags__name=tag)
    if search:
        words = Q(name__icontains=search) | Q(task_id__icontains=search)
        tasks = tasks.filter(words | Q(spider__icontains=search))
    now = timezone.now()
    return [_info(task, now=now) for task in tasks]


def _info(task: Task, *, now: datetime) -> Info:
    last = task.runs.exclude(trigger=Run.Trigger.TEST).newest_first().first()
    schedules = list(task.schedules.all())
    next_run = next_run_of(task, now=now)
    return {
        "task_id": task.task_id,
        "name": task.name,
        "description": task.description,
        "kind": task.kind,
        "spider": task.spider,
        "enabled": task.enabled,
        "tags": sorted(tag.name for tag in task.tags.all()),
        "schedule_type": schedules[0].kind if schedules else None,
        "schedule": "; ".join(describe_schedule(each) for each in schedules),
        "next_run_time": next_run.isoformat() if next_run else None,
        "last_run": last.at.isoformat() if last else None,
        "last_run_id": str(last.pk) if last else None,
        "last_status": last.status if last else None,
    }


def get_scheduler_status() -> Info:
    alive = scheduler_processes()
    tasks = Task.objects.aggregate(total=Count("pk"), enabled=Count("pk", filter=Q(enabled=True)))
    stats = get_job_stats()
    return {
        "running": any(each.is_leader for each in alive),
        "schedulers": [_process(each) for each in alive],
        "total_tasks": tasks["total"],
        "enabled_tasks": tasks["enabled"],
        "disabled_tasks": tasks["total"] - tasks["enabled"],
        "pending_jobs": _pending_jobs(alive),
        "queued_runs": Run.objects.waiting().count(),
        "running_runs": Run.objects.filter(status__in=["starting", "running"]).count(),
        "timezone": settings.SCHEDULER_TIMEZONE,
        "job_store": settings.SCHEDULER_JOB_STORE,
        "executor": settings.SCHEDULER_EXECUTOR,
        "executed": stats["jobs_executed"],
        "failed": stats["jobs_failed"],
        "missed": stats["jobs_missed"],
        "skipped": stats["jobs_skipped"],
        "alerts": outbox(),
    }


def _pending_jobs(alive: Sequence[SchedulerProcess]) -> int:
    """Of another store than the database only the leader knows; without one, the schedules tell."""
    if settings.SCHEDULER_JOB_STORE == "django":
        return int(DjangoJob.objects.filter(next_run_time__isnull=False).count())
    leaders = [each for each in alive if each.is_leader]
    if leaders:
        return leaders[0].jobs
    now, schedules = timezone.now(), Schedule.objects.on().select_related("task")
    return sum(next_run_time(each, now=now) is not None for each in schedules)


def _process(process: SchedulerProcess) -> Info:
    return {
        "name": process.name,
        "leader": process.is_leader,
        "seen_at": process.seen_at.isoformat(),
        "running": process.running,
        "launcher": process.launcher,
        "notes": notes_of(process),
        "disk_free": process.disk_free,
    }


def notes_of(process: SchedulerProcess) -> list[str]:
    """What it says of itself, and what stands still there."""
    low = low_disk(process)
    return [*said_by(process), *([low] if low else [])]


def starts_lack() -> Literal["scheduler", "disk", ""]:
    """What keeps every waiting run from starting, whatever places are free."""
    alive = scheduler_processes()
    if not alive:
        return "scheduler"
    return "disk" if all(map(low_disk, alive)) else ""


def said_by(process: SchedulerProcess) -> list[str]:
    return [_note(note) for note in process.notes]


def low_disk(process: SchedulerProcess) -> str:
    if process.disk_free is None or process.disk_free >= LEAST_FREE_BYTES:
        return ""
    free = process.disk_free // 1024**2
    return _("Nothing is started: only %s MB are free on the disk.") % free


def _note(note: Said) -> str:
    """On the reader's clock, where it says when."""
    if "at" not in note:
        return sentence(note)
    return f"{timezone.localtime(datetime.fromisoformat(note['at'])):%H:%M}: {sentence(note)}"


def get_job_stats(*, task_id: str | None = None) -> Info:
    runs = Run.objects.all() if task_id is None else Run.objects.filter(task=get_task(task_id))
    counts = dict(runs.values_list("status").annotate(Count("pk")).order_by())
    # Of what never ran one row may stand for many slots.
    never = runs.filter(status__in=[Status.MISSED, Status.SKIPPED])
    counts |= dict(never.values_list("status").annotate(Sum("slots")).order_by())
    failed = runs.filter(status=Status.FAILED).newest_first().first()
    return {
        "jobs_executed": sum(counts.get(status, 0) for status in EXECUTED),
        "jobs_failed": counts.get(Status.FAILED, 0),
        "jobs_missed": counts.get(Status.MISSED, 0),
        "jobs_skipped": counts.get(Status.SKIPPED, 0),
        "last_error": {
            "timestamp": (failed.finished_at or failed.at).isoformat(),
            "job_id": failed.task_key,
            "run_id": str(failed.pk),
            "exception": failed.reason,
        }
        if failed
        else None,
    }

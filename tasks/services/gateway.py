"""The crawl gateway: other programs ask for crawls on behalf of their own users.

1. The same request within CRAWL_CACHE_TTL gets the job that is already there.
2. One row per spider is locked while a job is looked for and made, so that of any number of
   identical requests, from any number of processes, exactly one makes it.
3. Crawls at once are runs of that row's task; crawls at a time or by cron are tasks of their own.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tasks.cron import CronError, normalise
from tasks.models import Run, Task
from tasks.services import audit, repeats
from tasks.services.actors import PYTHON, Actor
from tasks.services.arguments import Arguments, clean_arguments
from tasks.services.creating import create_task
from tasks.services.errors import InvalidInput, asked_as
from tasks.services.runs import new_run, wake_dispatchers
from tasks.services.schedules import moment_of
from tasks.services.status import next_run_of

MAX_USER_ID = 200
MAX_DEPTH = 1000
_S = Run.Status
# A run that failed or was stopped answers no other request: the crawl is tried again.
ANSWERS = (_S.QUEUED, _S.STARTING, _S.RUNNING, _S.SUCCEEDED, _S.SUSPICIOUS)
UNLIMITED = 32_767
# What a new run takes from the task that crawls at once share.
OF_SHARED = (
    "task_id", "name", "arguments", "secrets", "settings", "priority", "executor", "user_id",
    "kind", "spider", "http_cache",
)  # fmt: skip
# The caller's own names for fields of the task.
ASKED = {
    "arguments.start_urls": "start_urls",
    "arguments.": "params.",
    "settings.DEPTH_LIMIT": "depth",
    "schedules.0.cron": "interval",
    "schedules.0.run_at": "schedule_at",
    "schedules.0.start_at": "schedule_at",
    "schedules.0.end_at": "schedule_at",
}


@dataclass(frozen=True, kw_only=True)
class Crawl:
    """What a caller asks for. Two of the same are one job."""

    user_id: str
    spider: str
    start_urls: Sequence[str]
    depth: int | None = None
    schedule_at: str | None = None
    interval: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_scheduled(self) -> bool:
        return bool(self.schedule_at or self.interval)

    @property
    def arguments(self) -> dict[str, Any]:
        return {"start_urls": list(self.start_urls), **self.params}

    @property
    def settings(self) -> dict[str, int]:
        return {} if self.depth is None else {"DEPTH_LIMIT": self.depth}


@dataclass(frozen=True)
class Job:
    job_id: str
    scheduled: bool
    cached: bool = False
    cached_at: datetime | None = None
    next_run: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A request that may be carried out, and what makes it the same as another."""

    request: Crawl
    arguments: Arguments
    fingerprint: str


def crawl(*, request: Crawl, ignore_cache: bool = False, actor: Actor = PYTHON) -> Job:
    """Raises InvalidInput by field."""
    actor.demand("operate_task")
    if request.is_scheduled:
        actor.demand("add_task")
    wanted = _check(request)
    find = _scheduled if request.is_scheduled else _immediate
    if not ignore_cache and (found := _recall(wanted) or find(wanted)):
        return found
    with transaction.atomic():
        # 2. Whoever comes second waits here, and then finds what the first one made.
        shared = _locked_task(request.spider)
        if not ignore_cache and (found := find(wanted)):
            return found
        make = _schedule if request.is_scheduled else _start
        return make(wanted, shared, ignore_cache, actor)


def _check(request: Crawl) -> Checked:
    errors: dict[str, list[str]] = {}
    if not request.user_id.strip() or len(request.user_id) > MAX_USER_ID:
        errors["user_id"] = [_("This is needed.")]
    if not request.start_urls:
        errors["start_urls"] = [_("This is needed.")]
    if request.depth is not None and not 0 <= request.depth <= MAX_DEPTH:
        errors["depth"] = [_("Enter a number from 0 to %d.") % MAX_DEPTH]
    if "start_urls" in request.params:
        errors["params.start_urls"] = [_("Give the addresses as start_urls.")]
    if errors:
        raise InvalidInput(errors)
    with asked_as(ASKED):
        cleaned = clean_arguments(spider=request.spider, raw=request.arguments)
    fingerprint = fingerprint_of(request, cleaned.given)
    return Checked(request=request, arguments=cleaned, fingerprint=fingerprint)


def fingerprint_of(request: Crawl, given: Mapping[str, Any]) -> str:
    """The same for the same crawl, however its numbers, moments and patterns are written.

    Keyed: arguments may be secret, and a plain hash of a short one can be guessed.
    """
    same = {
        "user_id": request.user_id,
        "spider": request.spider,
        "start_urls": sorted(set(request.start_urls)),
        "depth": request.depth,
        "params": {name: value for name, value in given.items() if name != "start_urls"},
        "schedule_at": _same_moment(request.schedule_at),
        "interval": _same_pattern(request.interval),
    }
    text = json.dumps(same, sort_keys=True, ensure_ascii=True)
    return salted_hmac("crawl", text, algorithm="sha256").hexdigest()


def _same_moment(written: str | None) -> str | None:
    """What can't be read is refused when the task is made."""
    with suppress(InvalidInput):
        return _iso(moment_of(written, settings.SCHEDULER_TIMEZONE, "schedule_at"))
    return written


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _same_pattern(written: str | None) -> str:
    with suppress(CronError):
        return normalise(written) if written else ""
    return written or ""


def _since() -> datetime:
    return timezone.now() - timedelta(seconds=settings.CRAWL_CACHE_TTL)


def _recall(wanted: Checked) -> Job | None:
    known = repeats.recall(wanted.fingerprint)
    return Job(known[0], scheduled=False, cached=True, cached_at=known[1]) if known else None


def _immediate(wanted: Checked) -> Job | None:
    run = (
        Run.objects.filter(fingerprint=wanted.fingerprint, status__in=ANSWERS)
        .filter(queued_at__gt=_since(), cancel_requested_at__isnull=True)
        .order_by("-queued_at")
        .values_list("pk", "queued_at")
        .first()
    )
    if run is None:
        return None
    return Job(str(run[0]), scheduled=False, cached=True, cached_at=run[1])


def _scheduled(wanted: Checked) -> Job | None:
    """A task that still runs answers however old it is, else two would do the same for ever."""
    for task in Task.objects.filter(fingerprint=wanted.fingerprint).order_by("-created_at"):
        coming = next_run_of(task)
        if coming is not None or task.created_at > _since():
            return Job(
                task.task_id,
                scheduled=True,
                cached=True,
                cached_at=task.created_at,
                next_run=coming,
            )
    return None


def _locked_task(spider: str) -> Task:
    """The task under which crawls at once are listed, one per spider."""
    digest = hashlib.sha256(spider.encode()).hexdigest()[:8]
    task_id = f"crawls-{slugify(spider)[:60]}-{digest}"
    locked = Task.objects.select_for_update().filter(task_id=task_id).only(*OF_SHARED)
    return locked.first() or _new_shared_task(task_id, spider)


def _new_shared_task(task_id: str, spider: str) -> Task:
    defaults = {
        "name": _("Crawl requests: %s") % spider[:150],
        "description": _("Crawls that other programs ask for through the API."),
        "spider": spider,
        "overlap_policy": Task.Overlap.ALLOW,
        "max_instances": UNLIMITED,
        "catch_up": Task.CatchUp.NONE,
    }
    # Of two that come first, the second waits for the first one's row.
    return Task.objects.select_for_update().get_or_create(task_id=task_id, defaults=defaults)[0]


def _start(wanted: Checked, shared: Task, ignore_cache: bool, actor: Actor) -> Job:
    request = wanted.request
    run = new_run(
        shared,
        trigger=Run.Trigger.API,
        actor=actor,
        arguments=wanted.arguments.plain,
        secrets=wanted.arguments.sealed,
        settings={**shared.settings, **request.settings},
        user_id=request.user_id,
        fingerprint=wanted.fingerprint,
        ignore_cache=ignore_cache,
    )
    run.save(force_insert=True)
    audit.record(actor=actor, action="run", task=shared, changes={"run": [None, str(run.pk)]})
    # Only what is committed may be answered with.
    transaction.on_commit(lambda: repeats.remember(wanted.fingerprint, str(run.pk), run.queued_at))
    transaction.on_commit(wake_dispatchers)
    return Job(str(run.pk), scheduled=False)


def _schedule(wanted: Checked, shared: Task, ignore_cache: bool, actor: Actor) -> Job:
    request = wanted.request
    with asked_as(ASKED):
        task = create_task(
            task_id=f"crawl-{slugify(request.spider)[:60]}-{secrets.token_hex(4)}",
            name=(_("Crawl %(spider)s for %(user)s") % _words(request))[:200],
            actor=actor,
            owner=actor.user,
            spider=request.spider,
            arguments=request.arguments,
            settings=request.settings,
            schedules=[timing_of_job(schedule_at=request.schedule_at, interval=request.interval)],
            http_cache=shared.http_cache and not ignore_cache,
            user_id=request.user_id,
            fingerprint=wanted.fingerprint,
        )
    return Job(task.task_id, scheduled=True, next_run=next_run_of(task))


def _words(request: Crawl) -> dict[str, str]:
    return {"spider": request.spider, "user": " ".join(request.user_id.split())}


def timing_of_job(*, schedule_at: str | None, interval: str | None) -> dict[str, Any]:
    """Both together: the cron begins at that moment."""
    if interval:
        return {"kind": "cron", "cron": interval, "start_at": schedule_at}
    return {"kind": "once", "run_at": schedule_at}

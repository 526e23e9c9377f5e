"""The run history. Pages are key ranges of an index: no counting, no offset, however deep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from tasks.models import Run, Task
from tasks.models.run import RunQuerySet
from tasks.web import runs, when
from tasks.web.actions import run_url
from tasks.web.filters import PLACE, Filter, build_filter
from tasks.web.outcome_words import reason_line
from tasks.web.states import Look
from tasks.web.zones import zone_of

PER_PAGE = 50
# A search that fits more tasks than this walks the whole history's index instead.
FEW_TASKS = 30
OUTCOMES = {
    "active": Q(status__in=["queued", "starting", "running"]),
    "ok": Q(status="succeeded"),
    "check": Q(status="suspicious"),
    "failed": Q(status="failed"),
    "timeout": Q(status="failed", reason="timeout"),
    "stopped": Q(status="cancelled"),
    "missed": Q(status="missed"),
    "skipped": Q(status="skipped"),
}
DAYS = {"today": 0, "week": 6, "month": 29}
LISTED = (
    "id", "task_id", "task_key", "task_name", "at", "status", "reason", "detail", "trigger",
    "requested_by", "started_at", "finished_at", "items", "slots", "cancel_requested_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in the order of the history."""

    at: datetime
    run_id: UUID
    older: bool

    def as_text(self) -> str:
        return f"{self.at.isoformat()}~{self.run_id.hex}"

    def rows(self, found: RunQuerySet) -> RunQuerySet:
        if self.older:
            beyond = Q(at__lt=self.at) | Q(at=self.at, id__lt=self.run_id)
            return found.filter(beyond, at__lte=self.at).newest_first()
        beyond = Q(at__gt=self.at) | Q(at=self.at, id__gt=self.run_id)
        return found.filter(beyond, at__gte=self.at).order_by("at", "id")


def read_place(request: HttpRequest) -> Place | None:
    for name, older in (("before", True), ("after", False)):
        if text := request.GET.get(name):
            moment, _tilde, run_id = text.partition("~")
            at, key = parse_datetime(moment.replace(" ", "+")), runs.parse_id(run_id)
            if at is None or at.tzinfo is None or key is None:
                raise BadRequest
            return Place(at, key, older)
    return None


def found_runs(request: HttpRequest, today: date, zone: tzinfo) -> list[RunQuerySet]:
    """What the filters leave: one query, or one for each of a few tasks, to be merged."""
    given, found = request.GET, Run.objects.only(*LISTED)
    if (outcome := OUTCOMES.get(given.get("outcome", ""))) is not None:
        found = found.filter(outcome)
    if (trigger := given.get("by", "")) in Run.Trigger.values:
        found = found.filter(trigger=trigger)
    if (days := DAYS.get(given.get("date", ""))) is not None:
        start = datetime.combine(today - timedelta(days=days), datetime.min.time(), tzinfo=zone)
        found = found.filter(at__gte=start)
    if task_id := given.get("task", ""):
        found = _of_task(found, task_id)
    return _searched(found, given.get("q", "").strip()[:200])


def _of_task(found: RunQuerySet, task_id: str) -> RunQuerySet:
    pk = Task.objects.filter(task_id=task_id).values_list("pk", flat=True).first()
    # The foreign key has the index; a deleted task's runs are found by the name they keep.
    return found.filter(task=pk) if pk else found.filter(task=None, task_key=task_id)


def _searched(found: RunQuerySet, text: str) -> list[RunQuerySet]:
    if not text:
        return [found]
    if (run_id := runs.parse_id(text)) is not None:
        return [found.filter(pk=run_id)]
    named = Q(name__icontains=text) | Q(task_id__icontains=text) | Q(spider__icontains=text)
    pks = list(Task.objects.filter(named).values_list("pk", flat=True)[: FEW_TASKS + 1])
    if len(pks) > FEW_TASKS:
        return [found.filter(task__in=Task.objects.filter(named))]
    gone = found.filter(task=None, task_name__icontains=text)
    return [*(found.filter(task=pk) for pk in pks), gone]


@dataclass(frozen=True, slots=True)
class Shown:
    runs: list[Run]
    newer: str = ""
    older: str = ""


def read_page(found: list[RunQuerySet], place: Place | None, size: int) -> Shown:
    towards_older = place is None or place.older
    rows: list[Run] = []
    for part in found:
        ordered = place.rows(part) if place else part.newest_first()
        rows += ordered[: size + 1]
    rows.sort(key=lambda run: (run.at, run.id), reverse=towards_older)
    more, rows = len(rows) > size, rows[:size]
    if not towards_older:
        rows.reverse()
    if not rows:
        return Shown([])
    newest, oldest = rows[0], rows[-1]
    has_newer = more if not towards_older else place is not None
    has_older = more if towards_older else True
    return Shown(
        rows,
        newer=Place(newest.at, newest.pk, older=False).as_text() if has_newer else "",
        older=Place(oldest.at, oldest.pk, older=True).as_text() if has_older else "",
    )


@dataclass(frozen=True, slots=True)
class Row:
    run: Run
    look: Look
    why: str
    planned: str
    ago: str
    took: str
    by: str


def row(run: Run, now: datetime, zone: tzinfo) -> Row:
    taken = runs.seconds_taken(run, now)
    return Row(
        run=run,
        look=runs.look(run),
        why=reason_line(run),
        planned=when.absolute(run.at, now, zone),
        ago=when.relative(run.at, now),
        took=when.duration(taken) if taken is not None else "",
        by=started_by(run),
    )


def started_by(run: Run) -> str:
    words = {
        Run.Trigger.SCHEDULE: _("Schedule"),
        Run.Trigger.RETRY: _("A retry"),
        Run.Trigger.CHAIN: _("The task before it"),
        Run.Trigger.STARTUP: _("The scheduler's start"),
    }
    fixed = words.get(Run.Trigger(run.trigger))
    return fixed or run.requested_by or str(run.get_trigger_display())


def filters(request: HttpRequest) -> list[Filter]:
    tasks = Task.objects.order_by("name").values_list("task_id", "name")
    outcomes = [
        ("active", _("Waiting or running")),
        ("ok", _("Finished")),
        ("check", _("Needs a look")),
        ("failed", _("Failed")),
        ("timeout", _("Took too long")),
        ("stopped", _("Stopped")),
        ("missed", _("Missed")),
        ("skipped", _("Skipped")),
    ]
    days = [("today", _("Today")), ("week", _("Last 7 days")), ("month", _("Last 30 days"))]
    return [
        build_filter(request, "task", _("Task"), tasks),
        build_filter(request, "outcome", _("Outcome"), outcomes),
        build_filter(request, "by", _("Started by"), Run.Trigger.choices),
        build_filter(request, "date", _("Date"), days),
    ]


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    now, zone = timezone.now(), zone_of(request.user)
    found = found_runs(request, now.astimezone(zone).date(), zone)
    shown = read_page(found, read_place(request), PER_PAGE)
    if "q" in request.GET and len(shown.runs) == 1 and runs.parse_id(request.GET["q"].strip()):
        return redirect(run_url(shown.runs[0]))
    chosen = filters(request)
    return TemplateResponse(
        request,
        "tasks/history.html",
        {
            **context,
            "title": _("Run history"),
            "rows": [row(run, now, zone) for run in shown.runs],
            "newer": _link(request, after=shown.newer),
            "older": _link(request, before=shown.older),
            "per_page": PER_PAGE,
            "filters": chosen,
            "query": request.GET.get("q", ""),
            "narrowed": bool(request.GET.get("q")) or any(each.value for each in chosen),
        },
    )


def _link(request: HttpRequest, **place: str) -> str:
    if not any(place.values()):
        return ""
    rest = {k: v for k, v in request.GET.items() if k not in PLACE}
    return "?" + urlencode({**rest, **place})

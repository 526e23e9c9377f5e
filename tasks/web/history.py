"""The run history, a page at a time: see tasks.models.history for how it stays quick."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Run, Task
from tasks.models.history import PER_PAGE, Position, RunFilter, read_history
from tasks.web import names, runs
from tasks.web.actions import run_url
from tasks.web.filters import PLACE, Filter, build_filter
from tasks.web.history_rows import rows
from tasks.web.zones import zone_of

# What each choice of the outcome filter stands for: statuses, and a reason.
OUTCOMES: dict[str, tuple[tuple[str, ...], str]] = {
    "active": (("queued", "starting", "running"), ""),
    "ok": (("succeeded",), ""),
    "check": (("suspicious",), ""),
    "failed": (("failed",), ""),
    "timeout": (("failed",), "timeout"),
    "stopped": (("cancelled",), ""),
    "missed": (("missed",), ""),
    "skipped": (("skipped",), ""),
}
DAYS = {"today": 0, "week": 6, "month": 29}
LISTED = (
    "id", "task_id", "task_key", "task_name", "at", "scheduled_until", "status", "reason",
    "detail", "trigger", "requested_by", "started_at", "finished_at", "items", "pages", "errors",
    "slots", "cancel_requested_at", "cancel_requested_by",
)  # fmt: skip


def read_place(request: HttpRequest, name: str) -> Position | None:
    text = request.GET.get(name)
    if not text:
        return None
    place = Position.parse(text)
    if place is None:
        raise BadRequest
    return place


def span_start(span: str, today: date, zone: tzinfo) -> datetime | None:
    """When a choice of the date filter begins; None for all that is kept."""
    if span not in DAYS:
        return None
    return datetime.combine(today - timedelta(days=DAYS[span]), datetime.min.time(), tzinfo=zone)


def read_filter(request: HttpRequest, today: date, zone: tzinfo) -> RunFilter:
    given = request.GET
    statuses, reason = OUTCOMES.get(given.get("outcome", ""), ((), ""))
    trigger = given.get("by", "")
    return RunFilter(
        task=given.get("task", "")[:100],
        text=given.get("q", "").strip()[:200],
        statuses=statuses,
        reason=reason,
        triggers=(trigger,) if trigger in Run.Trigger.values else (),
        user=given.get("person", "")[:150],
        since=span_start(given.get("date", ""), today, zone),
    )


def outcomes() -> list[tuple[str, str]]:
    return [
        ("active", _("Waiting or running")),
        ("ok", _("Finished")),
        ("check", _("Needs a look")),
        ("failed", _("Failed")),
        ("timeout", _("Took too long")),
        ("stopped", _("Stopped")),
        ("missed", _("Missed")),
        ("skipped", _("Skipped")),
    ]


def filters(request: HttpRequest) -> list[Filter]:
    tasks = Task.objects.order_by("name").values_list("task_id", "name")
    days = [("today", _("Today")), ("week", _("Last 7 days")), ("month", _("Last 30 days"))]
    return [
        build_filter(request, "task", _("Task"), tasks),
        build_filter(request, "outcome", _("Outcome"), outcomes()),
        build_filter(request, "by", _("Started by"), Run.Trigger.choices),
        build_filter(request, "date", _("Date"), days),
    ]


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    now, zone = timezone.now(), zone_of(request.user)
    shown = read_history(
        read_filter(request, now.astimezone(zone).date(), zone),
        before=read_place(request, "before"),
        after=read_place(request, "after"),
        size=PER_PAGE,
        fields=LISTED,
    )
    names.introduce(shown.runs)
    if "q" in request.GET and len(shown.runs) == 1 and runs.parse_id(request.GET["q"].strip()):
        return redirect(run_url(shown.runs[0]))
    chosen = filters(request)
    return TemplateResponse(
        request,
        "tasks/history.html",
        {
            **context,
            "title": _("Run history"),
            "rows": rows(shown.runs, now, zone),
            "newer": _link(request, after=str(shown.newer or "")),
            "older": _link(request, before=str(shown.older or "")),
            "per_page": PER_PAGE,
            "filters": chosen,
            "figures_url": _figures_url(request),
            "query": request.GET.get("q", ""),
            "narrowed": bool(request.GET.get("q")) or any(each.value for each in chosen),
        },
    )


def _figures_url(request: HttpRequest) -> str:
    if not request.GET.get("task"):
        return ""
    task = Task.objects.filter(task_id=request.GET["task"][:100]).only("pk").first()
    return reverse("admin:tasks_task_figures", args=[task.pk]) if task else ""


def _link(request: HttpRequest, **place: str) -> str:
    if not any(place.values()):
        return ""
    rest = {k: v for k, v in request.GET.items() if k not in PLACE}
    return "?" + urlencode({**rest, **place})

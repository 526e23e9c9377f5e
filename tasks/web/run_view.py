"""The page of one run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils import timezone

from tasks.models import Run
from tasks.web import log_view, names
from tasks.web.remedies import beside_run_again, best_remedy
from tasks.web.run_data import read_run_page
from tasks.web.zones import zone_of


def find_run(request: HttpRequest, run_id: UUID) -> Run:
    if not request.user.has_perm("tasks.view_run"):
        raise PermissionDenied
    run = Run.objects.select_related("task", "schedule", "retry_of").filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


def _context(request: HttpRequest, run: Run) -> dict[str, Any]:
    names.introduce([run])
    page = read_run_page(run, timezone.now(), zone_of(request.user))
    remedies = beside_run_again(run, request.user) if page.help else []
    best = best_remedy(run, request.user) if remedies else None
    return {
        "page": page,
        "run": run,
        "remedies": remedies,
        "again_is_best": not remedies or (best is not None and best.icon == "retry"),
        "may_operate": request.user.has_perm("tasks.operate_task"),
        "may_change": request.user.has_perm("tasks.change_task"),
    }


def page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = find_run(request, run_id)
    context = _context(request, run)
    if context["page"].happened:
        context |= _log(request, run)
    return TemplateResponse(
        request,
        "tasks/run.html",
        {**admin.site.each_context(request), "title": context["page"].verdict, **context},
    )


def _log(request: HttpRequest, run: Run) -> dict[str, Any]:
    zone = zone_of(request.user)
    log = log_view.chosen(run, request.GET, zone)
    return {
        "log": log,
        "zone": zone,
        "is_live": not (run.is_ended or log.is_search or log.is_older),
        # Under WSGI a stream would be collected whole before it is sent.
        "streams": isinstance(request, ASGIRequest),
    }


def live(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Everything above the log again, for the script that keeps a running run fresh."""
    return render(request, "tasks/_run.html", _context(request, find_run(request, run_id)))

"""Runs of a task for a time of the past: first how many, then all of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Task
from tasks.services.backfill import LIMIT, backfill, count_backfill
from tasks.services.errors import Forbidden, InvalidInput
from tasks.web import when
from tasks.web.actions import actor_of
from tasks.web.forms.simple import BackfillForm
from tasks.web.zones import zone_of


class Counted(NamedTuple):
    runs: int
    too_many: bool


def page(request: HttpRequest, pk: int, context: dict[str, Any]) -> HttpResponse:
    task = Task.objects.filter(pk=pk).first()
    if task is None:
        raise Http404
    if not request.user.has_perm("tasks.operate_task"):
        raise PermissionDenied
    form = BackfillForm(request.POST if request.method == "POST" else None)
    counted = None
    if request.method == "POST" and form.is_valid():
        if "_confirmed" in request.POST and _queue(request, task, form):
            return redirect(f"{reverse('admin:tasks_run_changelist')}?task={task.task_id}")
        counted = _count(request, task, form) if form.is_valid() else None
    return TemplateResponse(
        request,
        "tasks/backfill.html",
        {
            **context,
            "title": _("Run for the past: %s") % task.name,
            "task": task,
            "form": form,
            "counted": counted,
            "limit": LIMIT,
            "zone": when.zone_label(zone_of(request.user)),
        },
    )


def _span(request: HttpRequest, form: BackfillForm) -> dict[str, datetime]:
    """A whole minute may still be going on: it ends now."""
    zone = zone_of(request.user)
    start, end = (form.cleaned_data[name].replace(tzinfo=zone) for name in ("start", "end"))
    now = timezone.now()
    is_now = 0 <= (end - now).total_seconds() < when.MINUTE
    return {"start": start, "end": now if is_now else end}


def _count(request: HttpRequest, task: Task, form: BackfillForm) -> Counted | None:
    try:
        runs = count_backfill(task_id=task.task_id, **_span(request, form))
    except InvalidInput as error:
        form.show(error)
        return None
    return Counted(runs, too_many=runs > LIMIT)


def _queue(request: HttpRequest, task: Task, form: BackfillForm) -> bool:
    try:
        runs = backfill(task_id=task.task_id, actor=actor_of(request), **_span(request, form))
    except Forbidden as error:
        raise PermissionDenied(str(error)) from None
    except InvalidInput as error:
        form.show(error)
        return False
    text = ngettext("%(n)s run is waiting to start.", "%(n)s runs are waiting to start.", len(runs))
    messages.success(request, text % {"n": len(runs)})
    return True

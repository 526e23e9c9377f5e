"""Parts of the task form that the page asks for while somebody types. They change nothing."""

from __future__ import annotations

import re

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from tasks.models import Task
from tasks.web import plan
from tasks.web.forms.schedule import ScheduleForm
from tasks.web.task_page import TaskPage

PREFIX = re.compile(r"schedules-\d{1,2}")


def _task(request: HttpRequest) -> Task | None:
    if not request.user.has_perm("tasks.view_task"):
        raise PermissionDenied
    return Task.objects.filter(task_id=request.GET.get("task", "")).first()


@require_GET
def preview(request: HttpRequest) -> HttpResponse:
    task = _task(request)
    prefix = request.GET.get("prefix", "schedules-0")
    if not PREFIX.fullmatch(prefix):
        return HttpResponseBadRequest()
    key = request.GET.get(f"{prefix}-key", "")
    stored = task.schedules.filter(key=key).first() if task and key else None
    form = ScheduleForm(request.GET, prefix=prefix, stored=stored)
    shown = plan.preview(form, timezone.now(), task)
    return render(request, "tasks/_preview.html", {"preview": shown})


@require_GET
def arguments(request: HttpRequest) -> HttpResponse:
    page = TaskPage(_task(request), spider=request.GET.get("spider", ""))
    return render(request, "tasks/_arguments.html", {"page": page})

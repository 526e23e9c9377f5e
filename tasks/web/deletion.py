"""Asks before tasks are deleted, and says what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Task
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.tasks import remove_task
from tasks.web.actions import actor_of, back, say_refusal


def page(request: HttpRequest, context: dict[str, Any], tasks: Sequence[Task]) -> HttpResponse:
    if request.method == "POST" and "_confirmed" in request.POST:
        _delete(request, tasks)
        return back(request, reverse("admin:tasks_task_changelist"))
    title = _("Delete “%s”") % tasks[0].name if len(tasks) == 1 else _("Delete these tasks")
    return TemplateResponse(
        request, "tasks/delete.html", {**context, "title": title, "tasks": tasks}
    )


def _delete(request: HttpRequest, tasks: Sequence[Task]) -> None:
    keep, gone = request.POST.get("history") != "delete", 0
    for task in tasks:
        try:
            remove_task(task_id=task.task_id, keep_history=keep, actor=actor_of(request))
        except Forbidden as error:
            raise PermissionDenied(str(error)) from None
        except InvalidInput as error:
            say_refusal(request, error)
        else:
            gone += 1
    if gone:
        text = ngettext("%(n)s task is deleted.", "%(n)s tasks are deleted.", gone)
        messages.success(request, text % {"n": gone})

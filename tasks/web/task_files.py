"""Task files in the admin: take the tasks away, bring a file in after a look at what it changes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tasks.exchange.problems import FileRefused, Problem
from tasks.exchange.reading import Format, decode, format_of
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.exchange import ImportRefused, export_tasks, import_tasks
from tasks.services.plans import Plan
from tasks.web.actions import actor_of
from tasks.web.changes import lines_of_file

# Below what a request may hold beside its files: the text goes back and forth for the confirmation.
MAX_UPLOAD = 2_000_000
ENDINGS: dict[str, tuple[Format, str]] = {
    "yml": ("yaml", "application/yaml; charset=utf-8"),
    "json": ("json", "application/json; charset=utf-8"),
}


@require_GET
def export(request: HttpRequest, ending: str) -> HttpResponse:
    if ending not in ENDINGS:
        raise Http404
    file_format, content_type = ENDINGS[ending]
    try:
        text = export_tasks(file_format=file_format, actor=actor_of(request))
    except Forbidden as error:
        raise PermissionDenied(str(error)) from None
    name = f'attachment; filename="tasks.{ending}"'
    return HttpResponse(text, content_type=content_type, headers={"Content-Disposition": name})


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("tasks.view_task"):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request)
    try:
        return _import(request)
    except Forbidden as error:
        raise PermissionDenied(str(error)) from None
    except ImportRefused as error:
        return _page(request, problems=error.problems)
    except (FileRefused, InvalidInput) as error:
        return _page(request, problems=[Problem(str(error))])


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("Import and export"),
        "may_import": request.user.has_perm("tasks.change_task"),
        **more,
    }
    return TemplateResponse(request, "tasks/task_files.html", context)


def _import(request: HttpRequest) -> HttpResponse:
    text, name = _given(request)
    replace = "replace" in request.POST
    confirmed = "_confirmed" in request.POST
    plan = import_tasks(
        text=text,
        file_format=format_of(name),
        dry_run=not confirmed,
        replace=replace,
        actor=actor_of(request),
    )
    if not confirmed:
        rows = [(each, lines_of_file(each.fields)) for each in plan.changes]
        return _page(request, plan=plan, rows=rows, text=text, name=name, replace=replace)
    _say(request, plan)
    return redirect("admin:tasks_task_changelist")


def _given(request: HttpRequest) -> tuple[str, str]:
    """The uploaded file, or the one that was looked at before."""
    upload = request.FILES.get("file")
    if upload is None:
        text = request.POST.get("text", "")
        if not text:
            raise InvalidInput(_("No file is chosen. Choose one first."))
        return text, request.POST.get("name", "")
    if (upload.size or 0) > MAX_UPLOAD:
        raise InvalidInput(_("The file is larger than 2 MB. Import it on the command line."))
    return decode(upload.read()), upload.name or ""


def _say(request: HttpRequest, plan: Plan) -> None:
    counts = {
        "created": len(plan.created),
        "changed": len(plan.changed),
        "removed": len(plan.removed),
    }
    text = _("Imported: %(created)d created, %(changed)d changed, %(removed)d removed.")
    messages.success(request, text % counts)
    for warning in plan.warnings:
        messages.warning(request, warning)

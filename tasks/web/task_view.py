"""Adding and changing a task: reads the form, calls the services, says what happened."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Task
from tasks.outcomes.durations import duration
from tasks.services.errors import Conflict, InvalidInput
from tasks.services.runs import run_task_now
from tasks.web import changes, names, plan, runs, when
from tasks.web.actions import actor_of, run_url, say_refusal, start_test
from tasks.web.forms.inputs import Input
from tasks.web.forms.task import KEEP_FIELDS, RESULT_FIELDS
from tasks.web.task_page import TaskPage, last_run
from tasks.web.zones import zone_of

LIMITS = (
    "timeout", "overlap_policy", "catch_up", "max_retries", "retry_delay", "no_progress_timeout",
    "alert_to", "alert_on",
)  # fmt: skip
ADVANCED = (
    "description", "catch_up_window", "max_instances", "memory_limit_mb", "priority", "executor",
    "http_cache", "http_cache_ttl", *KEEP_FIELDS,
)  # fmt: skip


def page(request: HttpRequest, context: dict[str, Any], task: Task | None) -> HttpResponse:
    if request.method != "POST":
        shown = TaskPage(task, spider=request.GET.get("spider", ""))
        # Somebody was sent to one field: it may lie in the folded part.
        return _render(request, {**context, "wanted": request.GET.get("at", "")}, shown)
    shown = TaskPage(task, request.POST)
    if "_add_schedule" in request.POST:
        shown.add_schedule()
        return _render(request, context, shown)
    only_shows = bool({"_preview", "_arguments"} & set(request.POST))
    answer = None if only_shows else _save(request, shown)
    return answer or _render(request, context, shown)


def _save(request: HttpRequest, shown: TaskPage) -> HttpResponse | None:
    wants_test = "_test" in request.POST
    # A task that is only being tried out must not start by itself.
    forced = {"enabled": False} if wants_test and shown.task is None else {}
    saved = shown.save(actor_of(request), overwrite="_overwrite" in request.POST, **forced)
    if saved is None:
        return None
    try:
        if wants_test:
            return redirect(run_url(start_test(request, saved)))
        if "_run" in request.POST:
            return redirect(run_url(run_task_now(task_id=saved.task_id, actor=actor_of(request))))
    except (Conflict, InvalidInput) as error:
        say_refusal(request, error)
    messages.success(request, _saved_words(request, saved))
    return redirect(reverse("admin:tasks_task_changelist"))


def _saved_words(request: HttpRequest, task: Task) -> str:
    now = timezone.now()
    upcoming = plan.next_of_task(task, now)
    if upcoming is None:
        return _("“%s” is saved.") % task.name
    return _("“%(name)s” is saved. Next run: %(when)s.") % {
        "name": task.name,
        "when": when.absolute(upcoming, now, zone_of(request.user)),
    }


def _render(request: HttpRequest, context: dict[str, Any], shown: TaskPage) -> HttpResponse:
    task = shown.task
    now = timezone.now()
    for form in shown.schedules:
        form.preview = plan.preview(form, now, task)
    newest = last_run(task) if task else None
    return TemplateResponse(
        request,
        "tasks/task_form.html",
        {
            **context,
            "title": task.name if task else _("New task"),
            "page": shown,
            "version": _version(request, shown),
            "last_run": newest,
            "last_look": runs.look(newest) if newest else None,
            "off_since": _off_since(task, request),
            "off_by": names.full_name(task.disabled_by) if task else "",
            "newer_changes": _newer_changes(request, shown),
            **_inputs(shown),
            "may_save": request.user.has_perm("tasks.change_task" if task else "tasks.add_task"),
            "may_add": request.user.has_perm("tasks.add_task"),
            "may_run": request.user.has_perm("tasks.operate_task"),
            "may_delete": request.user.has_perm("tasks.delete_task"),
        },
    )


def _newer_changes(request: HttpRequest, shown: TaskPage) -> list[str]:
    if shown.task is None or not shown.conflict:
        return []
    return changes.since(shown.task, request.POST.get("version"))


def _version(request: HttpRequest, shown: TaskPage) -> str:
    if shown.task is None:
        return ""
    return request.POST.get("version") or str(shown.task.version)


def _inputs(shown: TaskPage) -> dict[str, Any]:
    minutes, items, days = _("minutes"), _("items"), _("days")
    fields = shown.fields
    advanced = fields(
        *ADVANCED, catch_up_window=minutes, memory_limit_mb="MB", http_cache_ttl=minutes,
        keep_days=days, keep_runs=_("runs"), keep_megabytes="MB", max_instances=_("runs"),
    )  # fmt: skip
    limits = fields(
        *LIMITS, timeout=minutes, retry_delay=minutes, no_progress_timeout=minutes,
        max_retries=_("times"),
    )  # fmt: skip
    _say_what_is_usual(limits[0], shown.task)
    return {
        "what": fields("name"),
        "spider_input": fields("spider")[0] if "spider" in shown.form.fields else None,
        "switch": fields("enabled"),
        "limits": limits,
        "results": fields(*RESULT_FIELDS, min_items=items, usual_share="%", max_errors=_("errors")),
        "advanced": fields("tags") + advanced,
        "advanced_open": shown.settings_open or any(each.errors for each in advanced),
    }


def _say_what_is_usual(limit: Input, task: Task | None) -> None:
    usual = runs.recent([task.pk])[task.pk].usual if task else None
    if usual:
        takes = _("A usual run takes %(time)s.") % {"time": duration(usual.seconds)}
        limit.help = f"{takes} {limit.help}"


def _off_since(task: Task | None, request: HttpRequest) -> str:
    if task is None or task.disabled_at is None:
        return ""
    return when.absolute(task.disabled_at, timezone.now(), zone_of(request.user))

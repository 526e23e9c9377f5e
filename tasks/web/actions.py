"""What a button does: one service call, one sentence, one redirect. POST only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tasks.models import Run, Task
from tasks.services.actors import Actor, person
from tasks.services.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from tasks.services.runs import cancel_run, run_again, run_task_now
from tasks.services.tasks import disable_task, duplicate_task, enable_task
from tasks.web import plan, when
from tasks.web.task_page import test_settings
from tasks.web.zones import zone_of

Action = Callable[..., HttpResponse]
NO_RUN = UUID(int=0)


def actor_of(request: HttpRequest) -> Actor:
    return person(cast("User", request.user), "admin")


def run_url(run: Run | UUID | str) -> str:
    return reverse("admin:tasks_run_page", args=[run.pk if isinstance(run, Run) else run])


class UrlOfRun:
    """For many runs: the address is looked up once."""

    def __init__(self) -> None:
        self._before, self._after = run_url(NO_RUN).split(str(NO_RUN))

    def __call__(self, run: Run) -> str:
        return f"{self._before}{run.pk}{self._after}"


def back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the page that the button stands on."""
    return HttpResponseRedirect(page_before(request) or otherwise)


def page_before(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else ""


def say_refusal(request: HttpRequest, error: InvalidInput | Unavailable) -> None:
    run_id = getattr(error, "run_id", "")
    text = " ".join(error.sentences()) if isinstance(error, InvalidInput) else str(error)
    if run_id:
        link = format_html('<a href="{}">{}</a>', run_url(run_id), _("See that run"))
        messages.warning(request, format_html("{} {}", text, link))
    else:
        messages.error(request, text)


def action(view: Action) -> Action:
    """Turns what a service refuses into what the page shows."""

    @require_POST
    @wraps(view)
    def act(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, **kwargs)
        except Forbidden as error:
            raise PermissionDenied(str(error)) from None
        except NotFound as error:
            raise Http404(str(error)) from None
        except (Conflict, InvalidInput, Unavailable) as error:
            say_refusal(request, error)
            return back(request, reverse("admin:tasks_task_changelist"))

    return act


def _task(pk: str | int) -> Task:
    task = Task.objects.filter(pk=pk).first()
    if task is None:
        raise Http404
    return task


@action
def run_task(request: HttpRequest, pk: int) -> HttpResponse:
    run = run_task_now(task_id=_task(pk).task_id, actor=actor_of(request))
    return redirect(run_url(run))


@action
def test_task(request: HttpRequest, pk: int) -> HttpResponse:
    return redirect(run_url(start_test(request, _task(pk))))


def start_test(request: HttpRequest, task: Task) -> Run:
    return run_task_now(
        task_id=task.task_id,
        actor=actor_of(request),
        trigger=Run.Trigger.TEST,
        settings=test_settings(task),
    )


@action
def switch_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = _task(pk)
    set_enabled(request, task, on=request.POST.get("on") == "1")
    return back(request, reverse("admin:tasks_task_changelist"))


def set_enabled(request: HttpRequest, task: Task, *, on: bool) -> None:
    actor = actor_of(request)
    if on:
        enable_task(task_id=task.task_id, actor=actor)
        messages.success(request, _on_words(request, task))
    else:
        disable_task(task_id=task.task_id, note=request.POST.get("note", ""), actor=actor)
        messages.success(request, _("“%s” is off. It will not start by itself.") % task.name)


def _on_words(request: HttpRequest, task: Task) -> str:
    now = timezone.now()
    upcoming = plan.next_of(task.schedules.all(), now)
    if upcoming is None:
        return _("“%s” is on.") % task.name
    at = when.absolute(upcoming, now, zone_of(request.user))
    return _("“%(name)s” is on. Next run: %(when)s.") % {"name": task.name, "when": at}


@action
def copy_task(request: HttpRequest, pk: int) -> HttpResponse:
    copy = duplicate_task(task_id=_task(pk).task_id, actor=actor_of(request))
    messages.success(request, _("This is the copy. It is off until you switch it on."))
    return redirect(reverse("admin:tasks_task_change", args=[copy.pk]))


@action
def stop_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = cancel_run(run_id=run_id, actor=actor_of(request))
    if run.is_ended:
        messages.success(request, _("The run was taken out of the queue."))
    else:
        messages.info(request, _("Stopping. Items collected so far are kept."))
    return back(request, run_url(run))


@action
def again(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = run_again(run_id=run_id, actor=actor_of(request), wait=_wait(request))
    return redirect(run_url(run))


def _wait(request: HttpRequest) -> timedelta | None:
    minutes = request.POST.get("later", "")
    is_given = minutes.isascii() and minutes.isdecimal() and len(minutes) <= 4
    return timedelta(minutes=int(minutes)) if is_given else None

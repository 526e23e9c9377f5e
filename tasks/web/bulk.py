"""What the buttons above the list of tasks do with the ticked ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Tag, Task
from tasks.services.errors import Forbidden, InvalidInput, Unavailable
from tasks.services.runs import run_task_now
from tasks.services.tasks import disable_task, enable_task, update_task
from tasks.web import deletion, stagger
from tasks.web.actions import actor_of, back, page_before, say_refusal, set_enabled
from tasks.web.numbers import whole_number
from tasks.web.task_list import search

Doing = Callable[[HttpRequest, Task], None]
Words = Callable[[int], str]
LIST = "admin:tasks_task_changelist"
# A page of refusals would hide the list; the tasks left keep their state, which it shows.
MOST_REFUSALS = 5


def act(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if switch := request.POST.get("switch"):
        return _switch(request, switch)
    tasks = list(_picked(request))
    if not tasks:
        messages.warning(request, _("No task is selected. Tick one or more first."))
        return back(request, reverse(LIST))
    name = request.POST.get("action", "")
    if name in ASKING:
        right, asks = ASKING[name]
        if not request.user.has_perm(right):
            raise PermissionDenied
        # Once answered, back to the list as it was searched and filtered.
        return asks(request, {**context, "next": page_before(request)}, tasks)
    if name in DOING:
        do, words = DOING[name]
        _each(request, tasks, do, words)
    return back(request, reverse(LIST))


def _picked(request: HttpRequest) -> QuerySet[Task]:
    """The ticked ones, or all that the search and the filters of the list found."""
    if "across" in request.POST:
        return search(request)
    given = map(whole_number, request.POST.getlist("selected"))
    picked = [pk for pk in given if pk is not None]
    return Task.objects.filter(pk__in=picked).order_by("name")


def _switch(request: HttpRequest, switch: str) -> HttpResponse:
    pk, _colon, on = switch.partition(":")
    task = Task.objects.filter(pk=whole_number(pk) or 0).first()
    if task is not None:
        try:
            set_enabled(request, task, on=on == "1")
        except Forbidden as error:
            raise PermissionDenied(str(error)) from None
        except InvalidInput as error:
            say_refusal(request, error)
    return back(request, reverse(LIST))


def _run(request: HttpRequest, task: Task) -> None:
    run_task_now(task_id=task.task_id, actor=actor_of(request))


def _on(request: HttpRequest, task: Task) -> None:
    enable_task(task_id=task.task_id, actor=actor_of(request))


def _off(request: HttpRequest, task: Task) -> None:
    disable_task(task_id=task.task_id, actor=actor_of(request))


def _each(
    request: HttpRequest,
    tasks: Sequence[Task],
    do: Doing,
    words: Words,
) -> None:
    """Each by itself: one that can't doesn't hold up the others, and is named."""
    done = refused = 0
    for task in tasks:
        try:
            do(request, task)
        except Forbidden as error:
            raise PermissionDenied(str(error)) from None
        except (InvalidInput, Unavailable) as error:
            refused += 1
            if refused <= MOST_REFUSALS:
                say_refusal(request, error)
        else:
            done += 1
    if (more := refused - MOST_REFUSALS) > 0:
        text = ngettext(
            "The same goes for %(n)s more task.", "The same goes for %(n)s more tasks.", more
        )
        messages.warning(request, text % {"n": more})
    if done:
        messages.success(request, words(done) % {"n": done})


def _tag(request: HttpRequest, context: dict[str, Any], tasks: Sequence[Task]) -> HttpResponse:
    names = [name.strip() for name in request.POST.get("tags", "").split(",") if name.strip()]
    if "_confirmed" not in request.POST or not names:
        return TemplateResponse(
            request,
            "tasks/tag.html",
            {**context, "title": _("Tag these tasks"), "tasks": tasks, "known": Tag.objects.all()},
        )

    def add(request: HttpRequest, task: Task) -> None:
        own = [tag.name for tag in task.tags.all()]
        given = [name for name in own if name not in names]
        wanted = given if request.POST.get("how") == "remove" else [*given, *names]
        update_task(task_id=task.task_id, actor=actor_of(request), tags=wanted)

    _each(
        request,
        tasks,
        add,
        lambda n: ngettext("%(n)s task is changed.", "%(n)s tasks are changed.", n),
    )
    return back(request, reverse(LIST))


DOING: dict[str, tuple[Doing, Words]] = {
    "run": (
        _run,
        lambda n: ngettext("%(n)s run is waiting to start.", "%(n)s runs are waiting to start.", n),
    ),
    "on": (_on, lambda n: ngettext("%(n)s task is on.", "%(n)s tasks are on.", n)),
    "off": (_off, lambda n: ngettext("%(n)s task is off.", "%(n)s tasks are off.", n)),
}
ASKING = {
    "tag": ("tasks.change_task", _tag),
    "stagger": ("tasks.change_task", stagger.page),
    "delete": ("tasks.delete_task", deletion.page),
}

"""First steps on an empty installation: what comes next, on the page where it is done. It follows
what has been done, not what has been clicked, and needs no script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tasks.models import Run, Task
from tasks.services.people import save_profile
from tasks.web.actions import back

ADD, TRY, SWITCH_ON, KNOW = range(4)
FORM = {"tasks_task_add", "tasks_task_change"}
ENDED_WELL = (Run.Status.SUCCEEDED, Run.Status.SUSPICIOUS)
PLACES = FORM | {"index", "tasks_task_changelist", "tasks_run_page"}


@dataclass(frozen=True, slots=True)
class Step:
    word: str
    state: str


@dataclass(frozen=True, slots=True)
class Tour:
    steps: list[Step]
    hint: str
    url: str
    link: str
    is_last: bool


def tour_of(request: HttpRequest) -> Tour | None:
    place = request.resolver_match.url_name if request.resolver_match else ""
    if place not in PLACES or not request.user.has_perm("tasks.add_task") or _is_done(request):
        return None
    tasks = list(Task.objects.all()[:2])
    if len(tasks) > 1 or (not tasks and place == "index"):
        # Work goes on already; or the page itself welcomes with the same steps.
        return None
    task = tasks[0] if tasks else None
    now = _reached(task)
    hint, url, link = _next(now, place or "", task)
    return Tour(_steps(now), hint, url, link, is_last=now == KNOW)


def _is_done(request: HttpRequest) -> bool:
    return bool(getattr(getattr(request.user, "profile", None), "tour_done", False))


def _reached(task: Task | None) -> int:
    if task is None:
        return ADD
    if not task.runs.filter(status__in=ENDED_WELL).exists():
        return TRY
    return KNOW if task.enabled else SWITCH_ON


def _steps(now: int) -> list[Step]:
    words = (_("Add a task"), _("Try it"), _("Switch it on"), _("Know where to look"))
    states = ["done" if place < now else "now" if place == now else "todo" for place in range(4)]
    return [Step(word, state) for word, state in zip(words, states, strict=True)]


def _next(now: int, place: str, task: Task | None) -> tuple[str, str, str]:
    """What to do now; and where to, unless it is done on this very page."""
    form = reverse("admin:tasks_task_change", args=[task.pk]) if task else ""
    if now == ADD:
        words = _(
            "Name the task, choose a spider, and say when. Then press “Test run” at the bottom."
        )
        return words, *_unless(place in FORM, reverse("admin:tasks_task_add"), _("New task"))
    if now == TRY:
        words = _("Press “Test run” at the bottom of the task's page: it stops after five items.")
        return words, *_unless(place in FORM, form, _("To the task"))
    if now == SWITCH_ON:
        words = _(
            "Look at the items of the run. If they are right, press “Looks right, switch it on”."
        )
        run = task.runs.newest_first().first() if task else None
        url = reverse("admin:tasks_run_page", args=[run.pk]) if run else ""
        return words, *_unless(place == "tasks_run_page", url, _("To the run"))
    words = _("That is all. Home shows what needs you, and “Run history” keeps every run.")
    return words, *_unless(place == "index", reverse("admin:index"), _("Home"))


def _unless(here: bool, url: str, word: str) -> tuple[str, str]:
    return ("", "") if here else (url, word)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    save_profile(user=cast("User", request.user), tour_done=True)
    return back(request, reverse("admin:index"))

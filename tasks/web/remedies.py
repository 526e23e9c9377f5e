"""What a person can press when a run went wrong: for each reason the step that helps most first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tasks.models import Run
from tasks.secrets import SecretUnreadable, unseal

Person = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Remedy:
    word: Promise | str
    icon: str
    permission: str
    url: str
    posts: bool = False
    later: int | None = None
    """Minutes to wait first."""


Maker = Callable[[Run], Remedy | None]
LATER = 60


def _edit(run: Run, word: Promise | str, field: str, icon: str = "right") -> Remedy | None:
    """The task's form, opened where something is to be changed."""
    if run.task is None:
        return None
    page = reverse("admin:tasks_task_change", args=[run.task.pk])
    return Remedy(word, icon, "tasks.change_task", f"{page}?at={field}#{field}")


def _field(word: Promise, name: str, icon: str = "right") -> Maker:
    return lambda run: _edit(run, word, f"id_{name}", icon)


def _argument(word: Promise, find: Callable[[Run], str]) -> Maker:
    def make(run: Run) -> Remedy | None:
        name = find(run)
        return _edit(run, word, f"id_arg_{name}" if name else "arguments")

    return make


def _address(run: Run) -> str:
    return next((name for name, value in run.arguments.items() if "://" in str(value)), "")


def _secret(run: Run) -> str:
    return next((str(name) for name in run.secrets), "")


def _unreadable(run: Run) -> str:
    for name, token in run.secrets.items():
        try:
            unseal(token)
        except SecretUnreadable:
            return str(name)
    return _secret(run)


def _again(run: Run) -> Remedy | None:
    if run.task is None:
        return None
    url = reverse("admin:tasks_run_again", args=[run.pk])
    return Remedy(_("Run again"), "retry", "tasks.operate_task", url, posts=True)


def _later(run: Run) -> Remedy | None:
    again = _again(run)
    return again and replace(again, word=_("Try again in an hour"), icon="clock", later=LATER)


def _test(run: Run) -> Remedy | None:
    if run.task is None or run.trigger == Run.Trigger.TEST:
        return None
    url = reverse("admin:tasks_task_test", args=[run.task.pk])
    word = _("Test with a few items")
    return Remedy(word, "beaker", "tasks.operate_task", url, posts=True)


def _more_time(run: Run) -> Remedy | None:
    return _edit(run, _("Plan more time between"), "schedules")


def _developer(run: Run) -> Remedy:
    url = reverse("admin:tasks_run_bundle", args=[run.pk])
    return Remedy(_("Send to developer"), "box", "tasks.view_run", url)


def _clean_up(run: Run) -> Remedy:
    return Remedy(
        _("See what can be removed"), "trash", "tasks.delete_run", reverse("admin:clean_up")
    )


SLOWER = _field(_("Slow it down"), "set_DOWNLOAD_DELAY", "hourglass")
FEWER_PAGES = _field(_("Read fewer pages"), "set_CLOSESPIDER_PAGECOUNT")
ADDRESS = _argument(_("Correct the address"), _address)
ARGUMENTS = _argument(_("Check what it is given"), lambda run: "")

BY_REASON: dict[str, tuple[Maker, ...]] = {
    "spider_error": (_developer, _test),
    "job_failed": (ARGUMENTS, _again),
    "some_errors": (_developer, _test),
    "broken_items": (_developer, _test),
    "closing_failed": (_again, _developer),
    "too_many_errors": (_developer, _later, _field(_("Allow more errors"), "max_errors")),
    "spider_missing": (_field(_("Choose another spider"), "spider"), _developer),
    "spider_import": (_developer,),
    "preset_missing": (_field(_("Choose another preset"), "set_PRESET"), _developer),
    "bad_arguments": (ARGUMENTS, _developer),
    "start_requests": (_developer,),
    "no_items": (_test, _developer, _field(_("Finding nothing is fine"), "allow_empty")),
    "few_items": (_test, _again, _field(_("Change what is expected"), "usual_share")),
    "layout_changed": (_test, _developer),
    "slow": (SLOWER, FEWER_PAGES),
    "many_failed_pages": (SLOWER, _later),
    "many_unanswered": (SLOWER, _later),
    "closed_early": (_developer, _again),
    "blocked": (SLOWER, _later, _developer),
    "captcha": (SLOWER, _later, _developer),
    "login_needed": (_argument(_("Check name and password"), _secret), _developer),
    "redirect_loop": (ADDRESS, _developer),
    "certificate": (ADDRESS, _later),
    "site_error": (_later, _again),
    "not_found": (ADDRESS, _developer),
    "dns": (_later, ADDRESS),
    "unreachable": (_later, ADDRESS),
    "timeout_site": (_later, SLOWER),
    "robots": (_argument(_("Choose other pages"), _address),),
    "address_refused": (ADDRESS, _developer),
    "items_lost": (_clean_up, _developer, _again),
    "log_lost": (_clean_up, _developer, _again),
    "feed_failed": (_again, _developer),
    "timeout": (_field(_("Raise the time limit"), "timeout", "hourglass"), FEWER_PAGES),
    "no_progress": (_later, _field(_("Let it wait longer"), "no_progress_timeout"), _developer),
    "memory": (FEWER_PAGES, _field(_("Raise the memory limit"), "memory_limit_mb"), _developer),
    "cpu_limit": (_developer, FEWER_PAGES),
    "killed": (_again, _developer),
    "crashed": (_again, _developer),
    "lost": (_again, _developer),
    "launcher": (_later, _developer),
    "secret_unreadable": (_argument(_("Type the secret again"), _unreadable),),
    "disk_full": (_clean_up, _again, _developer),
    "cancelled": (_again,),
    "scheduler_stop": (_again,),
    "overlap": (_more_time, _again),
    "hold": (_again,),
    "blackout": (_again,),
    "scheduler_down": (_again, _field(_("Let it catch up by itself"), "catch_up")),
    "database_down": (_again, _field(_("Let it catch up by itself"), "catch_up")),
    "clock_jump": (_again, _field(_("Let it catch up by itself"), "catch_up")),
}


def remedies(run: Run, user: Person) -> list[Remedy]:
    """What this person may do about it, the best first."""
    return list(_allowed(run, user))


def beside_run_again(run: Run, user: Person) -> list[Remedy]:
    """For the page of the run, which has that button anyway."""
    return [each for each in _allowed(run, user) if each.icon != "retry"]


def best_remedy(run: Run, user: Person) -> Remedy | None:
    """For lists of troubles. Who may only look is better served by the page of the run."""
    if not user.has_perm("tasks.operate_task"):
        return None
    return next(_allowed(run, user), None)


def _allowed(run: Run, user: Person) -> Iterator[Remedy]:
    for make in BY_REASON.get(run.reason, (_again,)):
        found = make(run)
        if found is not None and user.has_perm(found.permission):
            yield found

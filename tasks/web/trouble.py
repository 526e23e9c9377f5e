"""What people see instead of a page. These need no database: it may be what is in trouble."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING, REASON_NO_CSRF_COOKIE
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tasks.web import when

SOMEBODY_ELSE = "as"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    status: int
    title: str
    happened: str
    next_step: str
    icon: str = "alert"
    other_url: str = ""
    other_word: str = ""
    note: str = ""


def _answer(trouble: Trouble) -> HttpResponse:
    # Without the request: what its context processors bring is read from the database.
    text = render_to_string("tasks/trouble.html", {"trouble": trouble, "title": trouble.title})
    headers = {"Retry-After": "30"} if trouble.status == 503 else None
    return HttpResponse(text, status=trouble.status, headers=headers)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    query = urlencode({"next": request.get_full_path(), SOMEBODY_ELSE: "1"})
    login = f"{reverse('admin:login')}?{query}"
    return _answer(
        Trouble(
            status=403,
            title=_("This is not open to you"),
            happened=_("Your group may not see this page, or not do what you pressed."),
            next_step=_("If you need it for your work, ask your administrator."),
            other_url=login,
            other_word=_("Log in as somebody else"),
        )
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        Trouble(
            status=404,
            title=_("There is nothing at this address"),
            happened=_("The address has a typing mistake, or what was here has been removed."),
            next_step=_("Start from the home page, or search the list of tasks."),
            icon="search",
            other_url=reverse("admin:tasks_task_changelist"),
            other_word=_("Tasks"),
        )
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        Trouble(
            status=400,
            title=_("This request can't be read"),
            happened=_("Your browser sent something that is not complete or not expected."),
            next_step=_("Go back, load the page anew, and try again."),
        )
    )


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return _answer(_database_trouble())
    return _answer(
        Trouble(
            status=500,
            title=_("Something went wrong here"),
            happened=_("This is our mistake, not yours. What was saved before is kept."),
            next_step=_("Go back and try again. If it happens again, tell your administrator."),
            note=_noted(),
        )
    )


def _database_trouble() -> Trouble:
    return Trouble(
        status=503,
        title=_("The database does not answer"),
        happened=_("Spiders that are running go on, but no page can be shown at the moment."),
        next_step=_("Wait a minute and load the page anew. If it lasts, tell your administrator."),
        note=_noted(),
    )


def _noted() -> str:
    """So that somebody finds the line in the server's log."""
    now, zone = timezone.now(), when.zone_of(settings.SCHEDULER_TIMEZONE)
    return _("It happened on %(moment)s (%(zone)s).") % {
        "moment": when.full_date(now, zone),
        "zone": when.zone_label(zone),
    }


def outdated_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Stands in for Django's page about cross-site requests."""
    no_cookie = reason in {REASON_NO_CSRF_COOKIE, REASON_CSRF_TOKEN_MISSING}
    return _answer(
        Trouble(
            status=403,
            title=_("This page was open for too long"),
            happened=_(
                "You have logged in or out since it was opened, so what you pressed"
                " was not accepted. Nothing was changed."
            ),
            next_step=_("Go back, load the page anew, and press again."),
            icon="clock",
            note=_("Your browser must keep cookies for this site.") if no_cookie else "",
        )
    )

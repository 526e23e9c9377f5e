"""What answers where no view could: words for people, problem details for programs."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tasks.api.problems import problem
from tasks.web import trouble

FOR_PROGRAMS = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if not request.path.startswith(FOR_PROGRAMS):
        return trouble.bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        return problem(400, _("This site does not go by the name that the Host header gives."))
    return problem(400, _("This request can't be read"))


def server_error(request: HttpRequest) -> HttpResponse:
    page = trouble.server_error(request)
    if not request.path.startswith(FOR_PROGRAMS):
        return page
    words = {
        503: _("The database does not answer"),
        500: _("Something went wrong here"),
    }
    return problem(page.status_code, words[page.status_code], headers=_retry(page))


def _retry(page: HttpResponse) -> dict[str, str]:
    return {name: page[name] for name in ("Retry-After",) if name in page}

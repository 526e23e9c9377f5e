"""The home page: what needs a person, what runs, what comes next."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tasks.web import when
from tasks.web.frame import Known, tell
from tasks.web.home_data import Home, read_home
from tasks.web.zones import zone_of


def _context(request: HttpRequest) -> dict[str, Any]:
    if not request.user.has_perm("tasks.view_task"):
        raise PermissionDenied
    now, zone = timezone.now(), zone_of(request.user)
    home: Home = read_home(now, zone)
    tell(request, Known(home.scheduler, home.troubled))
    return {
        "home": home,
        "clock": f"{when.full_date(now, zone)} {when.zone_label(zone)}",
        "may_operate": request.user.has_perm("tasks.operate_task"),
        "may_add": request.user.has_perm("tasks.add_task"),
    }


def page(request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(
        request, "tasks/home.html", {**context, "title": _("Home"), **_context(request)}
    )


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """The inside of the home page again, and what its frame says, for the script that keeps both
    fresh."""
    return render(request, "tasks/_live_home.html", _context(request))

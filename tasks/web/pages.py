from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tasks.models import SpiderInfo


def _context(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, **more}


@require_GET
def spiders(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("tasks.view_spiderinfo"):
        raise PermissionDenied
    found = SpiderInfo.objects.order_by("title", "name")
    return TemplateResponse(
        request,
        "tasks/spiders.html",
        _context(
            request,
            _("Spiders"),
            spiders=found,
            may_add=request.user.has_perm("tasks.add_task"),
        ),
    )


@require_GET
def what_is_a_spider(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(
        request, "tasks/spider_help.html", _context(request, _("What is a spider?"))
    )

"""What old runs take up, and what would go: looked at first, removed on a second press."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tasks.execution.cleaning import clean_up_for
from tasks.execution.retention import Doomed, Rules, preview
from tasks.web.actions import actor_of

CHOICES = (1, 3, 7, 14, 30, 90)
AT_FIRST = 14
LIMITS = "limits"
"""What goes by itself: over what its task, or the settings, allow."""
WHYS = {
    "age": gettext_lazy("too old"),
    "number": gettext_lazy("too many"),
    "size": gettext_lazy("too large"),
}


@dataclass(slots=True)
class Share:
    name: str
    runs: int = 0
    size: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def whys(self) -> list[str]:
        return [f"{WHYS[why]}: {count}" for why, count in self.counts.most_common()]


def _days(value: str | None) -> int | None:
    if value == LIMITS:
        return None
    return int(value) if value in {str(days) for days in CHOICES} else AT_FIRST


def page(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("tasks.delete_run"):
        raise PermissionDenied
    days = _days(request.POST.get("days") or request.GET.get("days"))
    doomed = preview(rules=None if days is None else Rules(days=days))
    if request.method == "POST":
        return _remove(request, doomed, days)
    return TemplateResponse(request, "tasks/clean_up.html", _context(request, doomed, days))


def _context(request: HttpRequest, doomed: list[Doomed], days: int | None) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": _("Clean up"),
        "days": LIMITS if days is None else days,
        "limits": LIMITS,
        "choices": CHOICES,
        "shares": _shares(doomed),
        "runs": len(doomed),
        "size": filesizeformat(sum(each.size for each in doomed)),
    }


def _shares(doomed: list[Doomed]) -> list[Share]:
    found: dict[str, Share] = defaultdict(lambda: Share(""))
    for each in doomed:
        share = found[each.run.task_key]
        share.name = each.run.task_name
        share.runs += 1
        share.size += each.size
        share.counts[each.why] += 1
    return sorted(found.values(), key=lambda share: share.size, reverse=True)


def _remove(request: HttpRequest, doomed: list[Doomed], days: int | None) -> HttpResponse:
    removed = clean_up_for(actor_of(request), doomed, days=days)
    text = ngettext(
        "%(n)s run is removed: %(size)s.", "%(n)s runs are removed: %(size)s.", removed.runs
    )
    messages.success(request, text % {"n": removed.runs, "size": filesizeformat(removed.size)})
    return redirect(reverse("admin:clean_up"))

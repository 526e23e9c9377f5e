"""How often a task's runs ended how: on a page of its own, since no list should wait for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Q, Sum, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from tasks.models import Run, Task
from tasks.web.history import OUTCOMES, outcomes, span_start
from tasks.web.zones import zone_of

SPANS = ("week", "month", "")
# Not an outcome, and a part of those that failed.
UNCOUNTED = {"active", "timeout"}
NEVER_RAN = (Run.Status.MISSED, Run.Status.SKIPPED)


class Cell(NamedTuple):
    shown: str
    url: str


class Row(NamedTuple):
    name: str
    cells: list[Cell]


def page(request: HttpRequest, pk: int, context: dict[str, Any]) -> HttpResponse:
    task = get_object_or_404(Task, pk=pk)
    if not request.user.has_perms(["tasks.view_task", "tasks.view_run"]):
        raise PermissionDenied
    zone = zone_of(request.user)
    today = timezone.now().astimezone(zone).date()
    shown = {
        **context,
        "title": _("In numbers: %s") % task.name,
        "task": task,
        "columns": [_("Runs"), _("Last 7 days"), _("Last 30 days"), _("All that are kept")],
        "rows": rows(task, [span_start(span, today, zone) for span in SPANS]),
    }
    return TemplateResponse(request, "tasks/figures.html", shown)


def rows(task: Task, starts: list[datetime | None]) -> list[Row]:
    found = count(task, starts)
    history = reverse("admin:tasks_run_changelist")
    return [
        Row(
            word,
            [_cell(n, history, task, name, span) for n, span in zip(counts, SPANS, strict=True)],
        )
        for name, word in outcomes()
        if name not in UNCOUNTED and (counts := found.get(OUTCOMES[name][0][0], [0] * len(SPANS)))
    ]


def _cell(n: int, history: str, task: Task, outcome: str, span: str) -> Cell:
    query = {"task": task.task_id, "outcome": outcome} | ({"date": span} if span else {})
    return Cell(number_format(n, force_grouping=True), f"{history}?{urlencode(query)}" if n else "")


def count(task: Task, starts: list[datetime | None]) -> dict[str, list[int]]:
    """By status, for each start. Of what never ran one row may stand for many slots."""
    slots = Case(When(status__in=NEVER_RAN, then="slots"), default=1)
    sums = {
        f"since_{place}": Sum(slots, filter=Q(at__gte=start) if start else None, default=0)
        for place, start in enumerate(starts)
    }
    found = Run.objects.filter(task=task).values_list("status").annotate(**sums).order_by()
    return {status: list(counts) for status, *counts in found}

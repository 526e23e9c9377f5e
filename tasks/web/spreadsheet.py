"""Many tasks from one spreadsheet: each row is shown as the task it would be before any is made."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any
from zipfile import BadZipFile

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from tasks.describe import describe
from tasks.models import SpiderInfo
from tasks.services.actors import Actor
from tasks.services.creating import NewTask, SomeRefused, create_tasks
from tasks.services.errors import InvalidInput
from tasks.services.spreading import HOUR
from tasks.slots import Timing
from tasks.web import spreadsheet_example
from tasks.web.actions import actor_of
from tasks.web.forms.task import USUAL_ALERTS, addresses_in
from tasks.web.schedule_words import read_words

MOST_ROWS, MOST_COLUMNS, MOST_BYTES = 500, 60, 2_000_000
# Columns of a task; every other one is an argument of its spider.
OWN = ("name", "spider", "schedule", "timezone", "tags", "description", "alerts")
# Of fields whose columns have a shorter name.
COLUMNS = {"alert_to": "alerts", "alert_on": "alerts"}
Row = dict[str, str]


class Unreadable(ValueError):
    """The file is no spreadsheet that can be read, in words for people."""


@dataclass(slots=True)
class Planned:
    number: int
    name: str
    spider: str
    spider_shown: str
    schedule: str
    arguments: list[tuple[str, str]]
    problems: list[str] = field(default_factory=list)


def read_rows(name: str, content: bytes) -> list[Row]:
    if len(content) > MOST_BYTES:
        raise Unreadable(_("The file is too large; at most %(n)s MB are read.") % {"n": 2})
    lines = _xlsx(content) if name.lower().endswith((".xlsx", ".xlsm")) else _csv(content)
    rows = [_without_blank_end(line) for line in lines if any(cell.strip() for cell in line)]
    if len(rows) < 2:
        raise Unreadable(_("The first row names the columns, each further one is a task."))
    if len(rows) > MOST_ROWS + 1 or len(rows[0]) > MOST_COLUMNS:
        raise Unreadable(
            _("At most %(rows)s tasks and %(columns)s columns are read at a time.")
            % {"rows": MOST_ROWS, "columns": MOST_COLUMNS}
        )
    return _named(rows)


def _without_blank_end(row: list[str]) -> list[str]:
    used = max(place for place, cell in enumerate(row, start=1) if cell.strip())
    return row[:used]


def _named(rows: Sequence[Sequence[str]]) -> list[Row]:
    names = [cell.strip() for cell in rows[0]]
    heads = [name.lower() if name.lower() in OWN else name for name in names]
    if missing := [name for name in ("name", "spider") if name not in heads]:
        raise Unreadable(_("This column is missing: %s.") % ", ".join(missing))
    return [
        {head: cell.strip() for head, cell in zip(heads, row, strict=False) if head}
        for row in rows[1:]
    ]


def _csv(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
        delimiter = ";" if text.partition("\n")[0].count(";") else ","
        return list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable(
            _("This is no CSV file in UTF-8. Save it again as CSV or Excel.")
        ) from None


def _xlsx(content: bytes) -> list[list[str]]:
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        cells = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS + 1, values_only=True)
        return [["" if cell is None else str(cell) for cell in row] for row in cells]
    except (BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, OSError):
        raise Unreadable(_("This is no Excel file that can be read.")) from None


def make(rows: Iterable[Row], actor: Actor, *, keep: bool, spread: int = 0) -> list[Planned]:
    """Makes each task; all of them are taken back unless `keep` is set and none had a problem.
    `spread` is over how many seconds their starts are."""
    given, spiders = list(rows), _known_spiders()
    planned = [_planned(number, row, spiders) for number, row in enumerate(given, start=2)]
    try:
        with transaction.atomic():
            create_tasks(new=[*map(_new, given, planned, repeat(spread))], actor=actor)
            transaction.set_rollback(not keep)
    except SomeRefused as error:
        for place, refusal in error.refusals.items():
            planned[place].problems = [*_problems(refusal)]
    return planned


def _problems(refusal: InvalidInput) -> Iterator[str]:
    """By the names of the columns."""
    for path, texts in refusal.errors.items():
        name = "schedule" if path.startswith("schedules") else path.removeprefix("arguments.")
        name = COLUMNS.get(name, name)
        yield from (f"{name}: {text}" if name else text for text in texts)


def _known_spiders() -> dict[str, SpiderInfo]:
    """Staff know spiders by their titles."""
    spiders = list(SpiderInfo.objects.all())
    by_title = {str(each).casefold(): each for each in spiders}
    return by_title | {each.name.casefold(): each for each in spiders}


def _planned(number: int, row: Row, spiders: Mapping[str, SpiderInfo]) -> Planned:
    written = row.get("spider", "")
    spider = spiders.get(written.casefold())
    arguments = [(name, text) for name, text in row.items() if name not in OWN and text]
    return Planned(
        number,
        row.get("name", ""),
        spider.name if spider else written,
        str(spider) if spider else written,
        _when(row.get("schedule", "")),
        arguments,
    )


def _when(text: str) -> str:
    """In words, as it will stand in the list of tasks; what can't be read stays as it is."""
    try:
        return describe(Timing(**_schedule(text))) if text else ""
    except ValueError:
        return text


def _schedule(text: str) -> dict[str, Any]:
    return read_words(text) or {"kind": "cron", "cron": text}


def _new(row: Row, planned: Planned, spread: int) -> NewTask:
    told = addresses_in(row.get("alerts", ""))
    fields = {
        "name": planned.name,
        "spider": planned.spider,
        "description": row.get("description", ""),
        "arguments": dict(planned.arguments),
        "tags": row.get("tags", "").split(","),
        "alert_to": told,
        "alert_on": USUAL_ALERTS if told else [],
        "enabled": False,
    }
    return NewTask(fields=fields, schedules=_schedules(row, spread))


def _schedules(row: Row, spread: int) -> list[dict[str, Any]]:
    if not row.get("schedule"):
        return []
    zone = row.get("timezone") or str(settings.SCHEDULER_TIMEZONE)
    return [{**_schedule(row["schedule"]), "timezone": zone, "jitter": spread}]


def page(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("tasks.add_task"):
        raise PermissionDenied
    if request.method != "POST":
        wanted = request.GET.get("example", "")
        return spreadsheet_example.example(wanted) if wanted else _show(request)
    try:
        rows = _given(request)
    except Unreadable as error:
        return _show(request, trouble=str(error))
    confirmed = "_confirmed" in request.POST
    spread = HOUR if "spread" in request.POST else 0
    planned = make(rows, actor_of(request), keep=confirmed, spread=spread)
    if confirmed and not any(each.problems for each in planned):
        text = ngettext(
            "%(n)s task is made. It is off.", "%(n)s tasks are made. They are off.", len(planned)
        )
        messages.success(request, text % {"n": len(planned)})
        return redirect("admin:tasks_task_changelist")
    return _show(request, planned=planned, rows=json.dumps(rows))


def _given(request: HttpRequest) -> list[Row]:
    if (file := request.FILES.get("file")) is not None:
        return read_rows(file.name or "", file.read(MOST_BYTES + 1))
    try:
        rows = json.loads(request.POST.get("rows", ""))
        return [{str(k): str(v) for k, v in row.items()} for row in rows[:MOST_ROWS]]
    except (ValueError, AttributeError, TypeError):
        raise Unreadable(_("Choose a file.")) from None


def _show(request: HttpRequest, **more: Any) -> HttpResponse:
    planned = more.get("planned") or []
    return TemplateResponse(
        request,
        "tasks/spreadsheet.html",
        {
            **admin.site.each_context(request),
            "title": _("From a spreadsheet"),
            "spiders": spreadsheet_example.spiders(),
            "wrong": any(each.problems for each in planned),
            **more,
        },
    )

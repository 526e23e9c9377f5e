"""A spreadsheet to begin with: the columns for one spider, and a row that shows what goes where."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from tasks.describe import describe_cron
from tasks.models import SpiderInfo

# So that a spreadsheet program reads the file as UTF-8.
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def spiders() -> list[tuple[str, str]]:
    found = SpiderInfo.objects.filter(error="").order_by("title", "name")
    return [(each.name, str(each)) for each in found]


def example(name: str) -> HttpResponse:
    spider = SpiderInfo.objects.filter(name=name, error="").first()
    if spider is None:
        raise Http404
    row = {
        "name": _("My first task"),
        "spider": str(spider),
        "schedule": describe_cron("0 6 * * 1-5"),
        "timezone": str(settings.SCHEDULER_TIMEZONE),
        "tags": "",
        "alerts": "",
        **{key: _sample(each) for key, each in spider.schema.get("properties", {}).items()},
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, row)
    writer.writeheader()
    writer.writerow(row)
    response = HttpResponse(MARK + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_file_name(spider.name)}"'
    return response


def _file_name(spider: str) -> str:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in spider)
    return f"tasks-{plain}.csv"


def _sample(declared: Mapping[str, Any]) -> str:
    if declared.get("type") == "array":
        return "https://example.com/"
    default = declared.get("default")
    return "" if default is None or declared.get("format") == "password" else str(default)

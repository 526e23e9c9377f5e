"""Verbs that look at the spiders see them as they are now, with or without a scheduler."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db.models import Min

from tasks.execution.catalogue import CatalogueUnreadable, refresh_catalogue, source_stamps
from tasks.management.verbs.terminal import Terminal, one_line
from tasks.models import SpiderInfo
from tasks.services.status import scheduler_processes


def freshen(terminal: Terminal) -> None:
    if scheduler_processes() and SpiderInfo.objects.exists():
        return  # it looks every two seconds
    seen = SpiderInfo.objects.aggregate(seen=Min("seen_at"))["seen"]
    stamps = source_stamps(Path(settings.SCRAPY_PROJECT_PATH)).values()
    if seen is not None and max(stamps, default=0) < seen.timestamp() * 1e9:
        return
    try:
        refresh_catalogue()
    except CatalogueUnreadable as error:
        terminal.warn(one_line(error)[:500])

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.core.checks import CheckMessage, Error

from tasks.handlers.spider import SpiderHandler
from tasks.models import Task

SPIDER = "search"


class SearchHandler(SpiderHandler):
    """The project's spider named “search”, or another one that was named instead."""

    kind: ClassVar[str] = Task.Kind.SEARCH

    def spider_of(self, spider: str) -> str:
        return spider or SPIDER

    def checks(self) -> list[CheckMessage]:
        folder = settings.SEARCH_SOURCES_DIR
        if not folder or Path(folder).is_dir():
            return []
        return [Error(f"SEARCH_SOURCES_DIR is not a folder: {folder}", id="tasks.E101")]

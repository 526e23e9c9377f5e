from __future__ import annotations

from typing import ClassVar

from tasks.handlers.base import Handler
from tasks.models import Task


class SpiderHandler(Handler):
    kind: ClassVar[str] = Task.Kind.SPIDER
    is_crawl = True
    runs_project_code = True
    has_usual_items = True

    def spider_of(self, spider: str) -> str:
        return spider

"""Kinds of tasks. A new kind is one class and one line here; forms, checks and the dispatcher
know it from then on."""

from __future__ import annotations

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from tasks.handlers.base import Handler
from tasks.models import Task

HANDLERS: dict[str, str] = {
    Task.Kind.SPIDER: "tasks.handlers.spider.SpiderHandler",
    Task.Kind.SEARCH: "tasks.handlers.search.SearchHandler",
    Task.Kind.PIPELINE: "tasks.handlers.pipeline.PipelineHandler",
    Task.Kind.EXPORT: "tasks.handlers.export.ExportHandler",
    Task.Kind.ANALYSIS: "tasks.handlers.analysis.AnalysisHandler",
    Task.Kind.CLEANUP: "tasks.handlers.cleanup.CleanupHandler",
}


@cache
def handler_of(kind: str) -> Handler:
    return cast("Handler", import_string(HANDLERS[kind])())


def choices() -> list[tuple[str, str]]:
    return [(kind, str(Task.Kind(kind).label)) for kind in HANDLERS]

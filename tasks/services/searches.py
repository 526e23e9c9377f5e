"""Searches and exports that other programs schedule through the gateway."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.utils.translation import gettext as _

from tasks.models import Task
from tasks.services.actors import PYTHON, Actor
from tasks.services.creating import create_task
from tasks.services.errors import InvalidInput, NotFound, asked_as

SEARCH_SPIDER = "search"
ASKED = {"schedules.0.cron": "cron_expression", "schedules.0.hours": "interval_hours"}
FORMATS = ("csv", "xlsx", "json", "jsonl")


def schedule_search(
    *,
    query: str,
    sources: Sequence[str],
    cron_expression: str | None = None,
    interval_hours: int | None = None,
    actor: Actor = PYTHON,
) -> Task:
    if bool(cron_expression) == bool(interval_hours):
        raise InvalidInput(_("Give either cron_expression or interval_hours."))
    when = (
        {"kind": "cron", "cron": cron_expression}
        if cron_expression
        else {"kind": "interval", "hours": interval_hours}
    )
    with asked_as({**ASKED, "arguments.": ""}):
        return create_task(
            task_id=f"search-{secrets.token_hex(6)}",
            # The name is the query's, whatever the language of the one who asks.
            name=f"Search: {' '.join(query.split())}"[:200],
            kind=Task.Kind.SEARCH,
            spider=SEARCH_SPIDER,
            arguments={"query": query, "sources": list(dict.fromkeys(sources))},
            schedules=[when],
            owner=actor.user,
            actor=actor,
        )


def schedule_export(
    *,
    search_id: str,
    cron_expression: str,
    file_format: str = "csv",
    actor: Actor = PYTHON,
) -> Task:
    if file_format not in FORMATS:
        raise InvalidInput({"format": [_("Choose one of: %s.") % ", ".join(FORMATS)]})
    source = Task.objects.filter(task_id=search_id, kind=Task.Kind.SEARCH).first()
    if source is None:
        raise NotFound({"search_id": [_("There is no search “%s”.") % search_id[:100]]})
    with asked_as(ASKED):
        return create_task(
            task_id=f"export-{secrets.token_hex(6)}",
            name=f"Export: {source.name}"[:200],
            kind=Task.Kind.EXPORT,
            arguments={"task": source.task_id, "format": file_format},
            schedules=[{"kind": "cron", "cron": cron_expression}],
            owner=actor.user,
            actor=actor,
        )

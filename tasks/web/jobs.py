"""Jobs that need no spider stand in the same list as the spiders, as `job:KIND`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tasks.handlers import HANDLERS, handler_of
from tasks.models import SpiderInfo, Task

PREFIX = "job:"


def kind_of(picked: str) -> str | None:
    """None for the name of a spider."""
    kind = picked.removeprefix(PREFIX)
    is_job = picked.startswith(PREFIX) and kind in HANDLERS
    return kind if is_job and not handler_of(kind).is_crawl else None


def picked_by(task: Task) -> str:
    is_crawl = task.kind not in HANDLERS or handler_of(task.kind).is_crawl
    return task.spider if is_crawl else f"{PREFIX}{task.kind}"


def fields_of(picked: str, task: Task | None) -> dict[str, str]:
    """A search stays one while it keeps its spider."""
    if kind := kind_of(picked):
        return {"kind": kind, "spider": ""}
    is_same = task is not None and picked_by(task) == picked
    return {"kind": task.kind if task and is_same else Task.Kind.SPIDER, "spider": picked}


def choices() -> list[tuple[str, str]]:
    kinds = [kind for kind in HANDLERS if not handler_of(kind).is_crawl]
    return [(f"{PREFIX}{kind}", _title(kind)) for kind in kinds]


def look_up(picked: str) -> SpiderInfo | None:
    """A spider of the catalogue, or a job in the shape of one."""
    kind = kind_of(picked)
    if kind is None:
        return SpiderInfo.objects.filter(name=picked).first()
    handler = handler_of(kind)
    schema = dict(handler.schema)
    return SpiderInfo(
        name=picked, title=_title(kind), description=str(handler.description), schema=schema
    )


def _title(kind: str) -> str:
    return _("Without a spider: %s") % Task.Kind(kind).label

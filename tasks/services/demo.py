from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers import deserialize
from django.db import transaction

from tasks.models import Run, Task
from tasks.services.actors import command_line
from tasks.services.errors import InvalidInput
from tasks.services.tasks import update_task

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "demo.json"
# Where the fixture's addresses point when it is loaded as it stands.
PLACEHOLDER = "http://127.0.0.1:8000/"
SHOP = re.compile(r"^https?://[^/]+/demo/")


@transaction.atomic
def load_demo(*, site_url: str) -> int:
    """The number of demo tasks that were added: none where somebody has worked already."""
    if Task.objects.exists() or Run.objects.exists():
        return 0
    records = _in_zone(_fixture(site_url), str(settings.SCHEDULER_TIMEZONE))
    for found in deserialize("json", json.dumps(records), handle_forward_references=True):
        found.save()
    return Task.objects.count()


def _in_zone(records: list[dict[str, Any]], zone: str) -> list[dict[str, Any]]:
    for each in records:
        if "timezone" in each["fields"]:
            each["fields"]["timezone"] = zone
    return records


def point_demo(*, site_url: str) -> int:
    """The number of demo tasks that had to follow the site to another address or port."""
    records = _fixture(site_url)
    ids = [each["fields"]["task_id"] for each in records if each["model"] == "tasks.task"]
    moved = 0
    for task in Task.objects.filter(task_id__in=ids):
        arguments = _moved(task.arguments, f"{site_url.rstrip('/')}/demo/")
        if arguments == task.arguments:
            continue
        # One that no longer fits its spider shows that by itself, and is no reason not to start.
        with suppress(InvalidInput):
            update_task(task_id=task.task_id, arguments=arguments, actor=command_line())
            moved += 1
    return moved


def _moved(value: Any, shop: str) -> Any:
    if isinstance(value, str):
        return SHOP.sub(lambda _: shop, value)
    if isinstance(value, list):
        return [_moved(each, shop) for each in value]
    if isinstance(value, dict):
        return {key: _moved(each, shop) for key, each in value.items()}
    return value


def _fixture(site_url: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = _pointed(
        json.loads(FIXTURE.read_text("utf-8")), f"{site_url.rstrip('/')}/"
    )
    return records


def _pointed(value: Any, site: str) -> Any:
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, site)
    if isinstance(value, list):
        return [_pointed(each, site) for each in value]
    if isinstance(value, dict):
        return {key: _pointed(each, site) for key, each in value.items()}
    return value

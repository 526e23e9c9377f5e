from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.serializers import deserialize
from django.db import transaction

from tasks.models import Run, Task

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "demo.json"
# Where the fixture's addresses point when it is loaded as it stands.
PLACEHOLDER = "http://127.0.0.1:8000/"


@transaction.atomic
def load_demo(*, site_url: str) -> int:
    """The number of demo tasks that were added: none where somebody has worked already."""
    if Task.objects.exists() or Run.objects.exists():
        return 0
    for found in deserialize(
        "json", json.dumps(_fixture(site_url)), handle_forward_references=True
    ):
        found.save()
    return Task.objects.count()


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

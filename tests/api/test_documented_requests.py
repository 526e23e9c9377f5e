"""The requests that docs/api.md shows are sent here, and the addresses that it names exist."""

from __future__ import annotations

import re
import shlex
from typing import Any
from uuid import UUID

import pytest
from django.urls import resolve
from django.utils import timezone

from tasks.models import SpiderInfo
from tasks.services import create_task
from tests.environment import ROOT

TEXT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
CURLS = [
    command
    for block in BLOCKS
    for command in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)
    if command.startswith("curl")
]
SITE = "https://spiders.example.org"
NAMED = re.findall(r"`(?:GET|POST|PATCH|DELETE)[^/`]*((?:/[\w{}-]+)+)`", TEXT)


@pytest.fixture
def what_they_speak_of(db: None) -> None:
    for name in ("vivbliss", "search"):
        schema = {"properties": {key: {} for key in ("start_urls", "query", "sources")}}
        SpiderInfo.objects.create(name=name, schema=schema, seen_at=timezone.now())
    create_task(task_id="search-0123456789ab", name="Search: oak", kind="search", spider="search")


@pytest.mark.parametrize("command", CURLS)
def test_a_documented_request_works(api: Any, what_they_speak_of: None, command: str) -> None:
    words = shlex.split(command)
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    data = words[words.index("-d") + 1] if "-d" in words else None
    (path,) = [word.removeprefix(SITE) for word in words if word.startswith(SITE)]
    answer = api(method, f"/{path}", data)
    assert answer.status_code == 200, answer.content


def test_the_documented_addresses_exist() -> None:
    assert len(CURLS) == 4
    assert len(NAMED) > 8
    for path in NAMED:
        full = path if path.startswith("/api/") else f"/api/v1{path}"
        full = re.sub(r"\{id\}", "1", full).replace("{task_id}", "shop").replace("/ID", "/a")
        match = resolve(full.replace("/runs/a", f"/runs/{UUID(int=0)}"))
        assert match.func.__name__ != "unknown", path

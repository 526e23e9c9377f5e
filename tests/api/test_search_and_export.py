"""The gateway's searches and exports, from a real request to a file in the caller's hands."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from tasks.execution.catalogue import read_catalogue, save_catalogue
from tests.environment import ROOT
from tests.waiting import wait_until

from .conftest import token_for
from .serving import Site, serving

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Any]


@pytest.fixture
def installation(data_dir: Path, transactional_db: None) -> Iterator[Site]:
    """Web server with the demo shop, and a scheduler."""
    save_catalogue(read_catalogue())
    with serving(data_dir, DEMO="on") as site:
        command = [sys.executable, "manage.py", "runscheduler", "--stop-runs"]
        scheduler = subprocess.Popen(command, cwd=ROOT, env=site.env)
        try:
            yield site
        finally:
            scheduler.terminate()
            scheduler.wait(60)


@pytest.fixture
def ask(installation: Site, maja: User) -> Ask:
    headers = {"Authorization": f"Bearer {token_for(maja)}"}

    def send(method: str, path: str, **options: Any) -> requests.Response:
        url = installation.url + path
        return requests.request(method, url, headers=headers, timeout=30, **options)

    return send


def scheduled(ask: Ask, path: str, body: dict[str, Any]) -> str:
    answer = ask("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job_id"])


def ended(ask: Ask, job: str) -> dict[str, Any]:
    """Runs the scheduled job now, as its time would, and waits for its outcome."""
    started = ask("POST", f"/api/v1/tasks/{job}/run")
    assert started.status_code == 202, started.text

    def outcome() -> dict[str, Any] | None:
        status: dict[str, Any] = ask("GET", f"/api/v1/jobs/{job}/status").json()
        return status if status["outcome"] else None

    return wait_until(outcome, timeout=90)


def test_a_search_finds_items_and_its_export_is_downloaded(ask: Ask, installation: Site) -> None:
    query = {"query": "oak", "sources": ["demo"], "cron_expression": "0 6 * * *"}
    search = scheduled(ask, "/api/v1/search", query)
    assert ask("GET", f"/api/v1/tasks/{search}").json()["name"] == "Search: oak"
    wish = {"search_id": search, "format": "csv", "cron_expression": "0 7 * * *"}
    export = scheduled(ask, "/export", wish)
    too_early = ended(ask, export)
    assert (too_early["status"], too_early["outcome"]) == ("error", "failed")
    assert too_early["file_url"] is None

    found = ended(ask, search)
    assert (found["status"], found["outcome"], found["file_url"]) == ("finished", "succeeded", None)
    items = ask("GET", f"/api/v1/runs/{found['spider_job_id']}/items").json()["items"]
    assert items[0]["rank"] == 1
    assert all("oak" in f"{item['title']} {item['snippet']}".lower() for item in items)

    address = ended(ask, export)["file_url"]
    file = ask("GET", address)
    assert (file.status_code, file.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert f'filename="{search}.csv"' in file.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["url"] for row in rows] == [item["url"] for item in items]
    # Not for everybody who knows the address.
    assert requests.get(installation.url + address, timeout=30).status_code == 401

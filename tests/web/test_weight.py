"""How much a browser has to fetch before a page of a busy installation is there."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run, Schedule, Task

MOST = 300 * 1024
STYLES = settings.BASE_DIR / "tasks" / "static" / "tasks"
PATTERNS = ["* * * * *", "*/5 * * * *", "7 */2 * * *", "30 6 * * 1-5"]
STATUSES = ["succeeded", "failed", "suspicious", "skipped"]


@pytest.fixture
def busy():
    """As many tasks as a page of them shows, each with a full bar of runs."""
    tasks = Task.objects.bulk_create(
        Task(task_id=f"task-{n}", name=f"Prices of the shop in street {n}", spider="shop")
        for n in range(50)
    )
    Schedule.objects.bulk_create(
        Schedule(task=task, key="a", kind="cron", cron=PATTERNS[task.pk % len(PATTERNS)])
        for task in tasks
    )
    now = timezone.now()
    Run.objects.bulk_create(
        Run(
            task=task, task_key=task.task_id, task_name=task.name, trigger="schedule",
            status=STATUSES[(n + task.pk) % len(STATUSES)], reason="site_error",
            at=now - timedelta(minutes=n), started_at=now, finished_at=now,
        )
        for task in tasks
        for n in range(30)
    )  # fmt: skip


def weight(client, url):
    """Of the page, as it is sent and as a browser without compression would get it, with all that
    it draws in."""
    page = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    whole = gzip.decompress(page.content)
    names = set(re.findall(r'(?:href|src)="/static/([^"]+)"', whole.decode()))
    names |= {f"tasks/{file.name}" for file in STYLES.glob("*.css")}
    files = sum(Path(finders.find(name)).stat().st_size for name in names)
    return len(page.content) + files, len(whole) + files


@pytest.mark.parametrize("name", ["index", "tasks_task_changelist", "tasks_run_changelist"])
def test_a_page_of_a_busy_installation_stays_light(client, maja, busy, name):
    client.force_login(maja)
    sent, whole = weight(client, reverse(f"admin:{name}"))
    assert sent < MOST / 2
    assert whole < 1.1 * MOST


def test_the_page_of_the_api_stays_light_though_it_shows_everything(client):
    sent, _whole = weight(client, "/api/v1/docs")
    assert sent < MOST / 2


def test_each_style_sheet_is_drawn_in_once():
    imports = re.findall(r'^@import "([\w.]+)";$', (STYLES / "site.css").read_text(), re.MULTILINE)
    assert sorted(imports) == sorted(
        file.name for file in STYLES.glob("*.css") if file.name != "site.css"
    )

"""The run history over a million runs, beside a plain ModelAdmin on the same rows."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from script.benchmarks import stock_urls
from script.benchmarks.ledger import fill
from tasks.models import Run
from tasks.models.history import Position

Result = dict[str, Any]
SERVER = os.environ.get("TEST_POSTGRESQL_URL", "postgres://postgres@127.0.0.1:5432/postgres")
ON_POSTGRESQL = """
import json, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
from script.benchmarks.history import measured
print(json.dumps(measured(int(sys.argv[1]), "PostgreSQL")))
"""
SCRATCH = "spider_scheduler_bench"
HOST = {"Host": "127.0.0.1"}
FILTERS = {
    "no filter": {},
    "one outcome": {"outcome": "failed"},
    "one task": {"task": "task-7"},
    "a task's failed runs by people": {"task": "task-0", "outcome": "failed", "by": "manual"},
    "an outcome that never was": {"outcome": "missed", "by": "backfill"},
    "a search for many tasks": {"q": "shop"},
    "a search with an outcome": {"q": "prices", "outcome": "check"},
}


def run(*, quick: bool) -> list[Result]:
    count = 100_000 if quick else 1_000_000
    results = measured(count, "SQLite")
    try:
        create_scratch()
    except psycopg.OperationalError:
        return [*results, result("PostgreSQL", None, None, note="no server at hand")]
    try:
        return results + on_postgresql(count)
    finally:
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")


def create_scratch() -> None:
    with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as server:
        server.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {SCRATCH}")


def on_postgresql(count: int) -> list[Result]:
    address = urlsplit(SERVER)._replace(path=f"/{SCRATCH}").geturl()
    ended = subprocess.run(
        [sys.executable, "-c", ON_POSTGRESQL, str(count)],
        env={**os.environ, "DATABASE_URL": address},
        stdout=subprocess.PIPE,
        check=True,
    )
    results: list[Result] = json.loads(ended.stdout)
    return results


def result(name: str, ours: float | None, beside: float | None, note: str = "") -> Result:
    return {"name": name, "ours": ours, "beside": beside, "unit": "ms median", "note": note}


# The names of static files are looked up alike on both sides, without collecting them first.
PLAIN_FILES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


@override_settings(STORAGES={**settings.STORAGES, **PLAIN_FILES})
def measured(count: int, database: str) -> list[Result]:
    fill(count)
    user = User.objects.create_superuser("bench")
    client = Client(headers=HOST)
    client.force_login(user)
    label = f"{count:,} runs, {database}"
    plain_first, plain_last = plain_pages(user, count)
    history = reverse("admin:tasks_run_changelist")
    found = [
        result(f"{label}: newest page, {name}", opened(client, history, wanted), beside)
        for name, wanted in FILTERS.items()
        for beside in [plain_first if not wanted else None]
    ]
    oldest = Run.objects.order_by("at", "id")[60]
    place = {"before": str(Position(oldest.at, oldest.pk))}
    found.append(result(f"{label}: last page", opened(client, history, place), plain_last))
    newest = Run.objects.newest_first().filter(task__isnull=False)[0]
    page = reverse("admin:tasks_run_page", args=[newest.pk])
    found.append(result(f"{label}: page of one run", opened(client, page, {}), None))
    others = {
        "home": "index",
        "list of tasks": "tasks_task_changelist",
        "home, as it keeps itself fresh": "tasks_live",
    }
    return found + [
        result(f"{label}: {name}", opened(client, reverse(f"admin:{url}"), {}), None)
        for name, url in others.items()
    ]


def opened(client: Client, url: str, query: dict[str, str], times: int = 15) -> float:
    def once() -> None:
        assert client.get(url, query).status_code == 200

    return median(once, times)


def median(action: Callable[[], object], times: int) -> float:
    action()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


class PlainRuns(stock_urls.StockRuns):
    search_fields = ("task_name", "task_key", "spider")
    list_per_page = 50


# Django's own templates and site around the same rows, as in script.benchmarks.stock_settings.
STOCK = {
    "TEMPLATES": [{**settings.TEMPLATES[0], "DIRS": []}],
    "ROOT_URLCONF": "script.benchmarks.stock_urls",
}


def plain_pages(user: User, count: int) -> tuple[float, float]:
    def page(**query: str) -> None:
        request: HttpRequest = RequestFactory(headers=HOST).get("/", query)
        request.user = user
        answer: HttpResponse = PlainRuns(Run, stock_urls.site).changelist_view(request)
        assert answer.render().status_code == 200  # type: ignore[attr-defined]

    last = str(-(-count // 50))
    with override_settings(**STOCK):
        return median(page, 3), median(lambda: page(p=last), 3)

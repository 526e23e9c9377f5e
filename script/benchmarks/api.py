"""REST and event streams on real servers: ours beside the same Django under its stock ASGI handler,
which starts a thread (with a database connection of its own) for each request and each stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent.parent
POSTGRESQL = "postgres://postgres@127.0.0.1:5432"

Result = dict[str, Any]
Figures = dict[str, float]


def run(*, quick: bool) -> list[Result]:
    return [*_database("SQLite", quick=quick), *_database("PostgreSQL", quick=quick)]


def _database(name: str, *, quick: bool) -> list[Result]:
    """Each of the two begins with an empty database of its own; [] where there is no server."""
    both = []
    for stock in (False, True):
        with _postgresql() if name == "PostgreSQL" else nullcontext("") as url:
            if url is None:
                return []
            both.append(_measured(url, stock=stock, quick=quick))
    ours, stock_figures = both
    return [
        {"name": f"{what}, {name}", "ours": value, "beside": stock_figures.get(what), **WORDS[what]}
        for what, value in ours.items()
    ]


SPEED = {"unit": "requests/s", "note": "8 at a time; beside: Django's stock ASGI handler"}
DELAY = {"unit": "ms", "note": "beside: Django's stock ASGI handler"}
WORDS = {
    **{f"{kind}: speed": SPEED for kind in ("list", "create", "crawl, new", "crawl, repeated")},
    **{f"{kind}: p95": DELAY for kind in ("list", "create", "crawl, new", "crawl, repeated")},
    "streams: open": {"unit": "", "note": "at the same time, each following a log"},
    "streams: memory each": {
        "unit": "KB",
        "note": "beside: stock handler, which needs more connections than PostgreSQL has",
    },
    "streams: threads": {"unit": "", "note": "of the server while all are open"},
    "streams: line written to received, p50": DELAY,
    "streams: line written to received, p95": DELAY,
    "admin page meanwhile: p95": DELAY,
}


def _measured(url: str, *, stock: bool, quick: bool) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": url or f"sqlite:///{folder}/db.sqlite3",
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
            "API_RATE_LIMIT": "10000000",
            "MAX_STREAMS_PER_PERSON": "10000",
            "LOG_LEVEL": "ERROR",
            "ENV_FILE": os.devnull,
        }
        if url and stock:
            # As Django's documentation asks of ASGI: its thread for each request would keep one.
            environment["DATABASE_URL"] += "?conn_max_age=0"
        report = Path(folder) / "figures.json"
        words = [str(report), "stock" if stock else "ours", "quick" if quick else "thorough"]
        command = [sys.executable, "-m", "script.benchmarks.api_load", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=not stock)
        # Where the comparison breaks down, our own figures stand alone.
        figures: Figures = {} if done.returncode else json.loads(report.read_text("utf-8"))
        return figures


@contextmanager
def _postgresql() -> Iterator[str | None]:
    """An own database, which goes away again; None where there is no server."""
    import psycopg

    name = f"bench_api_{uuid4().hex[:8]}"
    try:
        with psycopg.connect(
            f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3
        ) as server:
            server.execute(f"CREATE DATABASE {name}")
    except psycopg.OperationalError:
        yield None
        return
    try:
        yield f"{POSTGRESQL}/{name}"
    finally:
        time.sleep(0.2)
        with (
            psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as server,
            suppress(psycopg.Error),
        ):
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")

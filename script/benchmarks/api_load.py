"""One server under load, in a process of its own since each database needs its own settings.

Usage: python -m script.benchmarks.api_load REPORT ours|stock quick|thorough
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
AT_A_TIME = 8
STOCK = "django.core.asgi:get_asgi_application"
OURS = "scheduler_site.asgi:application"

Figures = dict[str, float]


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(report: Path, kind: str, *, quick: bool) -> None:
    django.setup()
    token, session = prepare()
    with server(kind) as (process, port):
        figures = speeds(port, token, 60 if quick else 400)
        if can_hold_streams(kind):
            figures |= Streams(process.pid, port, token, session).measure(50 if quick else 400)
    report.write_text(json.dumps(figures), encoding="utf-8")


def can_hold_streams(kind: str) -> bool:
    """The stock handler holds a connection for each, of which PostgreSQL has a hundred."""
    from django.db import connection

    return kind == "ours" or connection.vendor == "sqlite"


def prepare() -> tuple[str, str]:
    """Tables, a person with a token and a session, a spider, and 200 tasks."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from tasks.models import Run, SpiderInfo
    from tasks.services import create_tasks
    from tasks.services.actors import person
    from tasks.services.tokens import SCOPES, create_token

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    schema = {"type": "object", "properties": {"start_urls": {"type": "array"}}}
    SpiderInfo.objects.create(name="shop", schema=schema, seen_at=timezone.now())
    user = User.objects.create_superuser("bench")
    create_tasks(new=[new_task(number) for number in range(200)])
    Run.objects.create(task_key="followed", task_name="Followed", trigger="api", status="running")
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    actor = person(user, "admin")
    secret = create_token(user=user, name="bench", scopes=SCOPES, actor=actor)[1]
    return secret, browser.cookies["sessionid"].value


def new_task(number: int) -> Any:
    from tasks.services.creating import NewTask

    when = {"kind": "cron", "cron": f"{number % 60} 6 * * *"}
    fields = {"name": f"Task {number}", "spider": "shop"}
    return NewTask(task_id=f"task-{number}", fields=fields, schedules=[when])


@contextmanager
def server(kind: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    app = ["--factory", STOCK] if kind == "stock" else [OURS]
    options = ["--port", str(port), "--log-level", "warning", "--lifespan", "off"]
    options += ["--timeout-graceful-shutdown", "1", "--backlog", "2048"]
    process = subprocess.Popen([sys.executable, "-m", "uvicorn", *app, *options], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                Connection(port, "").ask("GET", "/api/v1/health")
                break
            except OSError:
                time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


class Connection:
    def __init__(self, port: int, token: str = "", session: str = "") -> None:
        self.port = port
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if session:
            self.headers["Cookie"] = f"sessionid={session}"
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> int:
        text = None if body is None else json.dumps(body)
        self.http.request(method, path, text, self.headers)
        answer = self.http.getresponse()
        answer.read()
        return answer.status


Ask = Callable[[Connection, int], int]


def crawl(number: int) -> dict[str, Any]:
    url = f"https://shop.example/{number}"
    return {"user_id": "bench", "spider": "shop", "start_urls": [url], "depth": 1}


def create(connection: Connection, number: int) -> int:
    when = [{"kind": "cron", "cron": "0 6 * * *"}]
    body = {"task_id": f"made-{number}", "name": "Made", "spider": "shop", "schedules": when}
    return connection.ask("POST", "/api/v1/tasks", body)


ASKS: dict[str, Ask] = {
    "list": lambda connection, number: connection.ask("GET", "/api/v1/tasks?limit=50"),
    "create": create,
    "crawl, new": lambda connection, number: connection.ask("POST", "/crawl", crawl(number)),
    "crawl, repeated": lambda connection, number: connection.ask("POST", "/crawl", crawl(0)),
}


def speeds(port: int, token: str, number: int) -> Figures:
    figures: Figures = {}
    for name, ask in ASKS.items():
        took, each = load(port, token, ask, number // 2 if name == "list" else number)
        figures[f"{name}: speed"] = len(each) / took
        figures[f"{name}: p95"] = percentile(each, 0.95) * 1000
    return figures


def load(port: int, token: str, ask: Ask, number: int) -> tuple[float, list[float]]:
    own = threading.local()

    def one(index: int) -> float:
        if not hasattr(own, "connection"):
            own.connection = Connection(port, token)
        began = time.perf_counter()
        status = ask(own.connection, index)
        if status >= 300:
            raise RuntimeError(f"the server answered {status}")
        return time.perf_counter() - began

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        began = time.perf_counter()
        each = list(pool.map(one, range(number)))
        return time.perf_counter() - began, each


class Streams:
    def __init__(self, pid: int, port: int, token: str, session: str) -> None:
        from tasks.execution.folder import run_folder
        from tasks.models import Run

        self.pid, self.port, self.token, self.session = pid, port, token, session
        self.run = Run.objects.get(task_key="followed")
        self.log = run_folder(self.run) / "run.log"
        self.log.parent.mkdir(parents=True)
        self.delays: list[float] = []
        self.pages: list[float] = []

    def measure(self, number: int) -> Figures:
        return asyncio.run(self._measure(number))

    async def _measure(self, number: int) -> Figures:
        before = resident_kb(self.pid)
        opening = [self._open() for _ in range(number)]
        readers = [asyncio.create_task(self._read(each)) for each in await gather(opening, 50)]
        memory, threads = resident_kb(self.pid), thread_count(self.pid)
        asked = asyncio.create_task(asyncio.to_thread(self._ask_pages, 100))
        while not asked.done():
            await asyncio.to_thread(self._write)
            await asyncio.sleep(0.5)
        await asked
        for reader in readers:
            reader.cancel()
        return {
            "streams: open": number,
            "streams: memory each": (memory - before) / number,
            "streams: threads": threads,
            "streams: line written to received, p50": percentile(self.delays, 0.5) * 1000,
            "streams: line written to received, p95": percentile(self.delays, 0.95) * 1000,
            "admin page meanwhile: p95": percentile(self.pages, 0.95) * 1000,
        }

    async def _open(self) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._kept = [*getattr(self, "_kept", []), writer]
        lines = [
            f"GET /api/v1/runs/{self.run.pk}/logs HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.token}",
            "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        await reader.readuntil(b"event: progress")
        return reader

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"data: ") and b"written at " in line:
                written = float(line.partition(b"written at ")[2].partition(b" ")[0])
                self.delays.append(time.time() - written)

    def _write(self) -> None:
        moment = time.strftime("%Y-%m-%d %H:%M:%S")
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{moment} [bench] INFO: written at {time.time():.6f} \n")

    def _ask_pages(self, number: int) -> None:
        connection = Connection(self.port, session=self.session)
        for _ in range(number):
            began = time.perf_counter()
            status = connection.ask("GET", "/admin/tasks/task/")
            if status != 200:
                raise RuntimeError(f"the page answered {status}")
            self.pages.append(time.perf_counter() - began)
            time.sleep(0.05)


async def gather(waiting: list[Any], at_once: int) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(waiting), at_once):
        found += await asyncio.gather(*waiting[start : start + at_once])
    return found


def resident_kb(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss) // 1024


def thread_count(pid: int) -> int:
    return int(psutil.Process(pid).num_threads())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], quick=sys.argv[3] == "quick")

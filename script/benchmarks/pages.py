"""Pages in a real Chromium: when they first show something, beside the stock admin of the same
Django on the same rows; and how soon a line of a log is seen, beside a page that asks for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from script.benchmarks.api_load import percentile

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
FLAGS = ["--no-sandbox", "--disable-gpu"]
OURS, STOCK = "scheduler_site.settings", "script.benchmarks.stock_settings"
# What we show and what of the stock admin comes closest.
BESIDE = {"home": "/admin/", "tasks": "/admin/tasks/task/", "history": "/admin/tasks/run/"}
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
WATCH = """
window.seen = [];
new MutationObserver((changes) => requestAnimationFrame(() => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    const found = /written at ([0-9.]+)/.exec(node.textContent);
    if (found) window.seen.push(Date.now() - 1000 * Number(found[1]));
  }
})).observe(document.querySelector(".sp-log__body ol"), { childList: true });
"""

Result = dict[str, Any]


def run(*, quick: bool) -> list[Result]:
    if not CHROMIUM:
        return [{"name": "Chromium", "ours": None, "beside": None, "unit": "", "note": "none here"}]
    paths, session, log = prepare()
    with serving(OURS) as ours, serving(STOCK) as stock, chromium() as browser:
        visitor = Visitor(browser, session)
        results = paints(visitor, ours, stock, paths, times=5 if quick else 20)
        return results + lines(visitor, ours + paths["running"], log, 10 if quick else 60)


def prepare() -> tuple[dict[str, str], str, Path]:
    """Pages with a few weeks of work, somebody who is logged in, and a run that goes on."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from script.pictures import data
    from tasks.execution.folder import run_folder
    from tasks.models import Run

    call_command("collectstatic", interactive=False, verbosity=0)
    paths = data.fill()
    running = Run.objects.get(status="running")
    paths["running"] = reverse("admin:tasks_run_page", args=[running.pk])
    log = run_folder(running) / "run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("2026-03-24 10:00:00 [bench] INFO: Spider opened\n", encoding="utf-8")
    client = Client()
    backend = "django.contrib.auth.backends.ModelBackend"
    client.force_login(User.objects.create_superuser("bench"), backend=backend)
    return paths, client.cookies["sessionid"].value, log


@contextmanager
def serving(settings: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = ["scheduler_site.asgi:application"]
    if settings == STOCK:
        app = ["--factory", "django.core.asgi:get_asgi_application"]
    command = [sys.executable, "-m", "uvicorn", *app, "--port", str(port), "--lifespan", "off"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings}
    process = subprocess.Popen([*command, "--log-level", "error"], cwd=ROOT, env=environment)
    try:
        _await(f"{url}/admin/login/")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in, with the browser's profile as new."""

    browser: Any
    session: str

    def page(self, url: str) -> Any:
        context = self.browser.new_context(viewport={"width": 1280, "height": 860})
        host = urlsplit(url).hostname
        cookie = {"name": "sessionid", "value": self.session, "domain": host, "path": "/"}
        context.add_cookies([cookie])
        return context.new_page()


def until(page: Any, expression: str) -> Any:
    """The policy of our pages forbids what Playwright would wait with."""
    deadline = time.monotonic() + 30
    while not (value := page.evaluate(expression)):
        if time.monotonic() > deadline:
            raise TimeoutError(expression)
        page.wait_for_timeout(10)
    return value


def paints(
    visitor: Visitor, ours: str, stock: str, paths: dict[str, str], times: int
) -> list[Result]:
    results = []
    for name, path in paths.items():
        beside = painted(visitor, stock + BESIDE[name], times) if name in BESIDE else None
        results.append(
            {
                "name": f"first paint: {name}", "ours": painted(visitor, ours + path, times),
                "beside": beside, "unit": "ms median", "note": "beside: the stock admin",
            }
        )  # fmt: skip
    return results


def painted(visitor: Visitor, url: str, times: int) -> float:
    """With what a browser keeps between two visits: styles and scripts are there."""
    page = visitor.page(url)
    found = []
    for _ in range(times + 1):
        answer = page.goto(url, wait_until="load")
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}")
        found.append(float(until(page, PAINT)))
    page.context.close()
    return median(found[1:])


def lines(visitor: Visitor, url: str, log: Path, times: int) -> list[Result]:
    ours, beside = (seen(visitor, url, log, times, asks=asks) for asks in (False, True))
    note = "beside: the page asks each second"
    return [
        {
            "name": f"log line written to seen, p{share}", "ours": percentile(ours, share / 100),
            "beside": percentile(beside, share / 100), "unit": "ms", "note": note,
        }
        for share in (50, 95)
    ]  # fmt: skip


def seen(visitor: Visitor, url: str, log: Path, times: int, *, asks: bool) -> list[float]:
    page = visitor.page(url)
    if asks:
        page.route("**/api/v1/runs/*/logs*", lambda route: route.fulfill(status=429))
    page.goto(url)
    page.locator("[data-log-state]", has_text="Following").wait_for()
    page.evaluate(WATCH)
    for number in range(1, times + 1):
        with log.open("a", encoding="utf-8") as file:
            file.write(f"2026-03-24 10:00:00 [bench] INFO: written at {time.time():.6f}\n")
        until(page, f"window.seen.length >= {number}")
        # Off the beat of whoever asks in turns.
        page.wait_for_timeout(137)
    found = [float(each) for each in page.evaluate("window.seen")]
    page.context.close()
    return found

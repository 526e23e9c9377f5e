from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.environment import ROOT
from tests.people import PASSWORD, ensure_groups, person
from tests.processes import started, status
from tests.waiting import wait_until

PYTHON = sys.executable


@dataclass
class Site:
    url: str
    browser: Any

    def open(self, path: str = "/admin/", **options: Any) -> Any:
        """A page of its own browser profile, logged in as the editor, that accepts no complaint."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        page = context.new_page()
        page.set_default_timeout(15_000)
        # The first page of a process took longer than that where others work as well.
        page.set_default_navigation_timeout(60_000)
        page.complaints = []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: self._check(page, request.url))
        self.log_in(page, path)
        return page

    def _check(self, page: Any, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.url).netloc and not url.startswith("data:"):
            page.complaints.append(f"asked another host: {url}")

    def log_in(self, page: Any, path: str, name: str = "maja") -> None:
        page.goto(f"{self.url}/admin/login/?next={path}")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.url}{path}")


@pytest.fixture
def pages(browser: Any, live_server: Any, transactional_db: None) -> Iterator[Site]:
    """The pages over the tables of the test; nothing runs spiders."""
    ensure_groups()
    person("Maja", "Lind", "Editor")
    site = Site(live_server.url, browser)
    yield site
    for context in browser.contexts:
        context.close()


@dataclass
class Served:
    """The web server as a real process."""

    env: dict[str, str]
    url: str
    mark: str

    def start(self, stack: ExitStack) -> Any:
        line = [PYTHON, "manage.py", "serve"]
        server = stack.enter_context(started(line, mark=self.mark, env=self.env, cwd=ROOT))
        wait_until(lambda: status(f"{self.url}/admin/login/") == 200, timeout=60)
        return server


@pytest.fixture
def served(process_env: dict[str, str], free_port: int) -> Served:
    ensure_groups()
    maja = person("Maja", "Lind", "Editor")
    # The tests' quick hasher is unknown to the real settings.
    maja.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
    maja.save()
    url = f"http://127.0.0.1:{free_port}"
    env = {**process_env, "PORT": str(free_port), "SITE_URL": url, "DEMO": "on", "DEBUG": "on"}
    return Served(env, url, uuid.uuid4().hex)


@pytest.fixture
def streaming(browser: Any, served: Served) -> Iterator[Site]:
    """The pages from the real server, which can stream; nothing runs spiders."""
    with ExitStack() as stack:
        served.start(stack)
        yield Site(served.url, browser)
        for context in browser.contexts:
            context.close()


@pytest.fixture
def house(browser: Any, served: Served) -> Iterator[Site]:
    """The web server and the scheduler as real processes, with the demo shop."""
    with ExitStack() as stack:
        served.start(stack)
        line = [PYTHON, "manage.py", "runscheduler", "--stop-runs"]
        stack.enter_context(started(line, mark=served.mark, env=served.env, cwd=ROOT))
        wait_until(_spiders_are_listed, timeout=60, every=0.2)
        yield Site(served.url, browser)
        for context in browser.contexts:
            context.close()


def _spiders_are_listed() -> bool:
    from tasks.models import SpiderInfo

    return SpiderInfo.objects.filter(name="vivbliss", error="").exists()

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.conftest import database_url
from tests.environment import ROOT
from tests.waiting import wait_until


@dataclass
class Site:
    """A real server in a process of its own."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    env: dict[str, str]

    def threads(self) -> int:
        return psutil.Process(self.process.pid).num_threads()


# Those of the demo shop, the only pages that are asked for here.
STATIC_FILES = ("demo/mark.svg", "demo/shop.css")


def name_static_files(folder: Path) -> None:
    """What collectstatic would write, without its seconds."""
    folder.mkdir(exist_ok=True)
    manifest = {"version": "1.1", "paths": {name: name for name in STATIC_FILES}}
    (folder / "staticfiles.json").write_text(json.dumps(manifest))


@contextmanager
def serving(data_dir: Path, **more: str) -> Iterator[Site]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name_static_files(data_dir / "static")
    url = f"http://127.0.0.1:{port}"
    env = {**os.environ, "DATA_DIR": str(data_dir), "DATABASE_URL": database_url()}
    env |= {"SITE_URL": url, **more}
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=env)

    def answers() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            return requests.get(f"{url}/api/v1/health", timeout=5).status_code in {200, 503}
        except requests.ConnectionError:
            return False

    try:
        wait_until(answers, timeout=60)
        yield Site(url, data_dir, process, env)
    finally:
        process.terminate()
        process.wait(20)


@dataclass
class Event:
    name: str
    data: Any
    id: str | None


class Listener:
    """Reads a stream as a browser does."""

    def __init__(self, url: str, token: str, last: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        self.response = requests.get(url, headers=headers, stream=True, timeout=30)
        self._lines = self.response.iter_lines(chunk_size=1)

    @property
    def status(self) -> int:
        return self.response.status_code

    def events(self) -> Iterator[Event]:
        name, data, identity = "", [], None
        for raw in self._lines:
            field, _, value = raw.decode().partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                identity = value
            elif field == "data":
                data.append(value)
            elif not raw and data:
                assert len(data) == 1
                yield Event(name, json.loads(data[0]), identity)
                name, data, identity = "", [], None

    def next(self, name: str) -> Event:
        return next(event for event in self.events() if event.name == name)

    def close(self) -> None:
        self.response.close()

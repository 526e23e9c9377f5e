"""Walks a newcomer's way over HTTP: clone, start, log in, see a run succeed, stop, start again.

Needs nothing but the standard library, as a fresh machine has nothing else.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
MARK = f"FRESH_CLONE={uuid.uuid4()}"
T = TypeVar("T")


def wait_for(what: str, check: Callable[[], T], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise SystemExit(f"Not within {seconds:.0f} s: {what}")
        time.sleep(0.2)
    return answer


class Server:
    def __init__(self, clone: Path, port: int) -> None:
        self.clone = clone
        self.output = clone.parent / "output.txt"
        self.url = f"http://127.0.0.1:{port}"
        name, value = MARK.split("=")
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                ["./script/server", "--port", str(port)],
                cwd=clone,
                env={**os.environ, name: value},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise SystemExit(f"The server ended by itself:\n{self.said()}")
        try:
            return Visitor(self.url).status("/admin/login/") == 200
        except OSError:
            return False

    def stop(self, sign: signal.Signals) -> None:
        os.kill(self.process.pid, sign)
        wait_for(f"the end after {sign.name}", lambda: self.process.poll() is not None, 60)
        wait_for(
            f"nothing left running: {left_over(self.clone)}", lambda: not left_over(self.clone), 5
        )


def left_over(clone: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (process / "environ").read_bytes().decode(errors="replace")
            place = str((process / "cwd").readlink())
        except OSError:
            continue
        if MARK in environment or place.startswith(str(clone)) or str(clone) in command:
            found.append(f"{process.name} {command}")
    return found


class Visitor:
    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def get(self, path: str) -> str:
        return str(self.opener.open(self.url + path, timeout=10).read().decode())

    def status(self, path: str) -> int:
        return int(self.opener.open(self.url + path, timeout=10).status)

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def log_in(self, name: str, password: str) -> None:
        page = self.get("/admin/login/?next=/admin/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, "no login form"
        form = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
        request = urllib.request.Request(
            f"{self.url}/admin/login/?next=/admin/",
            urllib.parse.urlencode(form).encode(),
            {"Referer": f"{self.url}/admin/login/"},
        )
        self.opener.open(request, timeout=10)
        assert any(cookie.name == "sessionid" for cookie in self.cookies), "not logged in"

    def good_runs(self) -> list[Any]:
        try:
            return list(self.json("/api/v1/runs?status=succeeded")["items"])
        except urllib.error.HTTPError as error:
            raise SystemExit(f"/api/v1/runs: {error} {error.read()[:500]!r}") from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_start(clone: Path, port: int) -> tuple[str, str, int]:
    began = time.monotonic()
    server = Server(clone, port)
    try:
        wait_for("the first page", server.answers, 600)
        print(f"first start: {time.monotonic() - began:.0f} s")
        login = re.search(r"Name:\s+(\S+)\n\s+Password:\s+(\S+)", server.said())
        assert login, f"no name and password were printed:\n{server.said()}"
        visitor = Visitor(server.url)
        visitor.log_in(login[1], login[2])
        runs = wait_for("a demo run that succeeded", visitor.good_runs, 150)
        assert any(run["items"] for run in runs), f"no items: {runs}"
        print(f"a run with items after {time.monotonic() - began:.0f} s")
        server.stop(signal.SIGINT)
    except BaseException:
        print(server.said()[-8000:], file=sys.stderr)
        server.process.terminate()
        raise
    return login[1], login[2], len(runs)


def second_start(clone: Path, port: int, name: str, password: str, runs: int) -> None:
    began = time.monotonic()
    server = Server(clone, port)
    wait_for("the second start", server.answers, 60)
    print(f"second start: {time.monotonic() - began:.1f} s")
    assert password not in server.said(), "the password was printed again"
    visitor = Visitor(server.url)
    visitor.log_in(name, password)
    assert len(visitor.good_runs()) >= runs, "runs were lost"
    server.stop(signal.SIGTERM)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="fresh-"))
    clone = folder / "clone"
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        port = free_port()
        second_start(clone, port, *first_start(clone, port))
        print("fresh clone: all is well")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

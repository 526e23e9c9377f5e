from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.environment import ROOT

QUICK = ["-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=0", "-s", "RETRY_TIMES=0"]


@dataclass
class Answer:
    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


@dataclass
class Site:
    """A local web site whose pages a test sets, and which remembers what was asked."""

    port: int
    pages: dict[str, Answer | str | Callable[[str], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, method: str, path: str) -> Answer:
        self.asked.append(path if method == "GET" else f"{method} {path}")
        found = self.pages.get(path) or self.pages.get(path.partition("?")[0])
        if found is None:
            return Answer("Not here", 404)
        if callable(found):
            return found(path)
        return Answer(found) if isinstance(found, str) else found


@contextmanager
def serve() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = site.answer(self.command, self.path)
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Crawl:
    items: list[dict[str, Any]]
    log: str
    code: int

    def only(self, **values: Any) -> list[dict[str, Any]]:
        return [item for item in self.items if values.items() <= item.items()]


def crawl(folder: Path, spider: str, *, options: tuple[str, ...] = (), **arguments: Any) -> Crawl:
    """`scrapy crawl` as a person would call it, from the root of the project."""
    out = folder / "items.jsonl"
    given = [word for name, value in arguments.items() for word in ("-a", f"{name}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", spider, *given, *QUICK, *options, "-O", out],
        cwd=ROOT,
        env={**os.environ, "SPIDER_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = out.read_text("utf-8").splitlines() if out.exists() else []
    return Crawl([json.loads(line) for line in lines], done.stderr, done.returncode)


def sitemap(*urls: tuple[str, str], kind: str = "urlset", packed: bool = False) -> Answer:
    inner = "url" if kind == "urlset" else "sitemap"
    entries = "".join(
        f"<{inner}><loc>{url}</loc>{f'<lastmod>{modified}</lastmod>' if modified else ''}</{inner}>"
        for url, modified in urls
    )
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = f'<?xml version="1.0"?><{kind} xmlns="{namespace}">{entries}</{kind}>'.encode()
    return Answer(gzip.compress(text) if packed else text, headers={"Content-Type": "text/xml"})

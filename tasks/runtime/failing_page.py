"""The page that best explains why a run went wrong, kept for whoever looks into it. It is other
people's text: secrets are taken out here, and nobody ever serves it as a page."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy.http import Response, TextResponse

from .files import PAGE_FACTS, PAGE_TEXT, write_json
from .order import Order
from .redact import redact

MOST_BYTES = 512 * 1024
MOST_MESSAGE = 500
# What tells more takes the place of what tells less; of the same the first one stays.
RANKS = {"": 0, "empty": 1, "status": 2, "wall": 3, "callback": 4}

logger = logging.getLogger(__name__)


class FailingPage:
    def __init__(self, folder: Path, order: Order) -> None:
        self._folder = folder
        self._secrets = order.secret_values()
        self._why = ""
        self._first: tuple[dict[str, Any], str] | None = None

    def look(self, response: Response, wall: str) -> None:
        is_fine = not wall and response.status < 400
        if (is_fine and (self._first or self._why)) or _is_robots(response):
            return
        if wall:
            self.keep("wall", response, wall)
        elif response.status >= 400:
            self.keep("status", response)
        else:
            self._first = self._read(response)

    def keep(self, why: str, response: Response, message: str = "") -> None:
        if RANKS[why] > RANKS[self._why]:
            facts, text = self._read(response)
            self._write(why, {**facts, "message": message[:MOST_MESSAGE]}, text)

    def without_items(self) -> None:
        """Nothing else was wrong: the first page that the spider found nothing in."""
        if self._first is not None and not self._why:
            self._write("empty", *self._first)

    def _read(self, response: Response) -> tuple[dict[str, Any], str]:
        body = response.body[:MOST_BYTES]
        text = ""
        if isinstance(response, TextResponse):
            text = body.decode(response.encoding, "replace")
        facts = {
            "url": response.url[:2000],
            "status": response.status,
            "type": (response.headers.get("Content-Type") or b"").decode("latin-1")[:100],
            "bytes": len(response.body),
            "is_cut": len(response.body) > MOST_BYTES,
            "at": time.time(),
        }
        return facts, text

    def _write(self, why: str, facts: dict[str, Any], text: str) -> None:
        self._why, self._first = why, None
        words = {k: redact(v, self._secrets) if isinstance(v, str) else v for k, v in facts.items()}
        try:
            kept = redact(text, self._secrets).encode("utf-8", "replace")[:MOST_BYTES]
            (self._folder / PAGE_TEXT).write_bytes(kept)
            write_json(self._folder / PAGE_FACTS, {"why": why, **words})
        except OSError as error:
            logger.warning("Could not keep the page that failed: %s", error)


def _is_robots(response: Response) -> bool:
    return urlsplit(response.url).path == "/robots.txt"

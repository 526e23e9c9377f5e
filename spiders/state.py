"""What a watching spider remembers from its last good run: a JSON file per watched thing."""

from __future__ import annotations

import json
import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from scrapy.utils.project import data_path

VERSION = 1
_BAD_FIGURES = ("spider_exceptions/count", "log_count/ERROR", "log_count/CRITICAL")


def state_dir() -> Path:
    """Each task has its own folder; a plain `scrapy crawl` uses the project's `.scrapy/state`."""
    given = os.environ.get("SPIDER_STATE_DIR")
    return Path(given) if given else Path(data_path("state"))


class StateFile:
    def __init__(self, spider: str, *key: str) -> None:
        digest = blake2b("\0".join(key).encode(), digest_size=8).hexdigest()
        self.path = state_dir() / f"{spider}-{digest}.json"

    def load(self) -> dict[str, Any] | None:
        try:
            stored = json.loads(self.path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(stored, dict) or stored.get("version") != VERSION:
            return None
        data = stored.get("data")
        return data if isinstance(data, dict) else None

    def save(self, data: dict[str, Any]) -> None:
        """Written beside and renamed, so that a crash leaves the old state or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps({"version": VERSION, "data": data}, ensure_ascii=False))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def finished_well(crawler: Crawler, reason: str) -> bool:
    figures = crawler.stats.get_stats()
    return reason == "finished" and not any(figures.get(name) for name in _BAD_FIGURES)

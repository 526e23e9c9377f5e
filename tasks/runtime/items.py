from __future__ import annotations

import contextlib
import math
import os
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from itemadapter import ItemAdapter
from scrapy.utils.serialize import ScrapyJSONEncoder

from .files import is_no_room

FLUSH_BYTES = 64 * 1024
# What is only in memory is lost when the process is killed.
FLUSH_SECONDS = 0.25


class _Encoder(ScrapyJSONEncoder):
    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


class ItemWriter:
    """Appends items as JSON Lines. A line is in the file whole or not at all."""

    def __init__(self, path: Path, max_bytes: int = 0) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self._encoder = _Encoder(ensure_ascii=False, allow_nan=False)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._flushed = 0.0
        self._written_bytes = os.fstat(self._file).st_size
        self._max_bytes = max_bytes
        self.stored = 0
        self.lost = 0
        self.error = ""
        self.error_code = ""

    def add(self, item: Any) -> None:
        line = self._line(item)
        if self._max_bytes and self.size + len(line) > self._max_bytes:
            self._lose(1, "the items file has reached its limit", "items_limit")
            return
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes >= FLUSH_BYTES or monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    @property
    def size(self) -> int:
        return self._written_bytes + self._waiting_bytes

    def flush(self) -> None:
        lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not lines:
            return
        self._flushed = monotonic()
        data = b"".join(lines)
        try:
            self._write_whole(data)
        except OSError as error:
            code = "no_space" if is_no_room(error) else ""
            self._lose(len(lines), error.strerror or str(error), code)
            return
        self.stored += len(lines)
        self._written_bytes += len(data)

    def close(self) -> None:
        self.flush()
        os.close(self._file)

    def _write_whole(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._written_bytes)
            raise

    def _lose(self, count: int, why: str, code: str) -> None:
        self.lost += count
        if not self.error:
            self.error, self.error_code = why, code

    def _line(self, item: Any) -> bytes:
        data = ItemAdapter(item).asdict()
        try:
            text = self._encoder.encode(data)
        except (TypeError, ValueError):
            # JSON knows no NaN, no infinity, and only text for names.
            text = self._encoder.encode(_without_nan(data))
        return text.encode("utf-8", "replace") + b"\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_without_nan(inner) for inner in value]
    return value


def plain_stats(stats: dict[str, Any]) -> dict[str, Any]:
    """What json.dumps() takes: statistics may hold anything."""
    return {str(name): _plain(value) for name, value in stats.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (str, int, type(None))) else _without_nan(value)

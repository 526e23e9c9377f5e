"""Bounded reads of run.log by byte offset. Offsets are those of the whole log as it was written:
packing and cutting don't shift them, and a cut is one gap."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tasks.execution.folder import open_plain
from tasks.runtime.files import read_json
from tasks.runtime.logcut import read_gap

MAX_READ = 256 * 1024


@dataclass(frozen=True)
class Chunk:
    """Bytes from `start`; the next read begins at `end`."""

    data: bytes
    start: int
    end: int
    gap: tuple[int, int] | None = None
    """Set when the read jumped over what was cut out."""


class LogFile:
    """Either of run.log and run.log.gz, the one that is there."""

    def __init__(self, folder: Path) -> None:
        self._plain = folder / "run.log"
        self._packed = folder / "run.log.gz"
        self._folder = folder

    def size(self) -> int:
        """Logical: where the next line will begin."""
        try:
            return self._plain.lstat().st_size
        except OSError:
            known = read_json(self._folder / "log.json") or {}
            return int(known.get("size") or 0)

    def gap(self) -> tuple[int, int] | None:
        return read_gap(self._folder)

    def read(self, start: int, limit: int = MAX_READ) -> Chunk:
        """At most `limit` bytes from `start`, never across the gap."""
        start, limit = max(0, start), max(0, min(limit, MAX_READ))
        gap = self.gap()
        jumped = gap if gap and gap[0] <= start < gap[1] else None
        if jumped:
            start = jumped[1]
        if gap and start < gap[0]:
            limit = min(limit, gap[0] - start)
        data = self._read(start, limit, gap)
        return Chunk(data, start, start + len(data), jumped)

    def blocks(self, start: int) -> Iterator[Chunk]:
        """From `start` to the end, opened once: each seek in a packed log unpacks it anew."""
        gap = self.gap()
        position = max(0, start)
        with suppress(OSError, EOFError), self._opened() as (file, has_gap):
            while True:
                if gap and gap[0] <= position < gap[1]:
                    position = gap[1]
                missing = gap[1] - gap[0] if gap and position >= gap[1] and not has_gap else 0
                file.seek(position - missing)
                limit = gap[0] - position if gap and position < gap[0] else MAX_READ
                data = file.read(min(limit, MAX_READ))
                if not data:
                    return
                yield Chunk(data, position, position + len(data))
                position += len(data)

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes] | gzip.GzipFile, bool]]:
        """The log, and whether what was cut out left its place empty."""
        try:
            plain = open_plain(self._plain)
        except FileNotFoundError:
            with open_plain(self._packed) as raw, gzip.GzipFile(fileobj=raw) as file:
                yield file, False
        else:
            with plain:
                yield plain, True

    def _read(self, start: int, limit: int, gap: tuple[int, int] | None) -> bytes:
        try:
            with open_plain(self._plain) as file:
                file.seek(start)
                return file.read(limit)
        except FileNotFoundError:
            return self._read_packed(start, limit, gap)
        except OSError:
            return b""

    def _part_of(self, position: int) -> tuple[int, int]:
        """Where in the packed file the part begins that holds it, and how much is before that."""
        known = read_json(self._folder / "log.json") or {}
        starts = known.get("starts") or [0]  # older logs are in one part
        number = min(position // int(known.get("part") or 1), len(starts) - 1)
        return int(starts[number]), number * int(known.get("part") or 0)

    def _read_packed(self, start: int, limit: int, gap: tuple[int, int] | None) -> bytes:
        missing = gap[1] - gap[0] if gap and start >= gap[1] else 0
        place, skipped = self._part_of(start - missing)
        try:
            with open_plain(self._packed) as raw:
                raw.seek(place)
                with gzip.GzipFile(fileobj=raw) as file:
                    file.seek(start - missing - skipped)
                    return file.read(limit)
        except (OSError, EOFError):
            return b""

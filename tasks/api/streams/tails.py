from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tasks.api.streams.frames import line_frame
from tasks.api.streams.snapshots import Snapshot
from tasks.execution.logfile import LogFile
from tasks.execution.logs import read_log

PAGE_BYTES = 64 * 1024
# Pages that are kept for whoever follows the same log a moment later.
KEPT_PAGES = 16


@dataclass(frozen=True)
class Part:
    """A part of a log, ready to be sent; the next one begins at `end`."""

    frames: bytes
    end: int


class Tail:
    """One run's log, shared by all who follow it."""

    def __init__(self, run_id: UUID, folder: Path, now: Snapshot, readers: Executor) -> None:
        self.run_id = run_id
        self.now = now
        self.followers = 0
        self.changed = asyncio.Event()
        self._folder = folder
        self._log = LogFile(folder)
        self._size = -1
        self._readers = readers
        self._parts: OrderedDict[tuple[int, bool], asyncio.Future[Part]] = OrderedDict()

    def look(self) -> None:
        """Wakes the followers when the log has grown."""
        size = self._log.size()
        if size != self._size:
            self._size = size
            self.wake()

    def update(self, now: Snapshot) -> None:
        if now != self.now:
            self.now = now
            self.wake()

    def wake(self) -> None:
        self._drop_stale_readings()
        woken, self.changed = self.changed, asyncio.Event()
        woken.set()

    def _drop_stale_readings(self) -> None:
        """Who comes from now on must not join a reading that may have missed the change."""
        for key, reading in list(self._parts.items()):
            if not _has_lines(reading, key[0]):
                del self._parts[key]

    async def part(self, offset: int, *, ended: bool) -> Part:
        """Read once for all who are at the same place."""
        key = (offset, ended)
        reading = self._parts.get(key)
        if reading is None:
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(self._readers, self._read, offset, ended)
            self._parts[key] = reading
        try:
            # Shielded: one follower who leaves must not cancel it for the others.
            part = await asyncio.shield(reading)
        finally:
            self._forget(key, reading)
        return part

    def _read(self, offset: int, ended: bool) -> Part:
        page = read_log(self._folder, offset, limit=PAGE_BYTES, ended=ended)
        return Part(b"".join(map(line_frame, page.lines)), page.end)

    def _forget(self, key: tuple[int, bool], reading: asyncio.Future[Part]) -> None:
        """Nothing new is no answer for later; of the rest the latest few are kept."""
        if self._parts.get(key) is reading and not _has_lines(reading, key[0]):
            del self._parts[key]
        while len(self._parts) > KEPT_PAGES:
            self._parts.popitem(last=False)


def _has_lines(reading: asyncio.Future[Part], offset: int) -> bool:
    """What a log holds stays as it is: such a part is true for whoever asks later."""
    failed = not reading.done() or reading.cancelled() or reading.exception() is not None
    return not failed and reading.result().end > offset

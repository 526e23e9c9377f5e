from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID
from weakref import WeakKeyDictionary

from tasks.api.streams.snapshots import Snapshot, read_snapshots
from tasks.api.streams.tails import Tail

LOOK_AT_LOGS_EVERY = 0.1
LOOK_AT_ROWS_EVERY = 1.0
READERS = 2

logger = logging.getLogger(__name__)

Look = Callable[[], Awaitable[None]]


class Watcher:
    """Looks at the logs and rows of all runs that somebody follows, for one event loop."""

    def __init__(self) -> None:
        self._tails: dict[UUID, Tail] = {}
        self._tasks: dict[Look, asyncio.Task[None]] = {}
        self._readers = ThreadPoolExecutor(READERS, "log-reader")
        # One thread, so that all streams together hold one database connection.
        self._asker = ThreadPoolExecutor(1, "run-watcher")

    def follow(self, run_id: UUID, folder: Path, now: Snapshot) -> Tail:
        tail = self._tails.get(run_id)
        if tail is None:
            tail = self._tails[run_id] = Tail(run_id, folder, now, self._readers)
        tail.followers += 1
        self._start()
        return tail

    def leave(self, tail: Tail) -> None:
        tail.followers -= 1
        if tail.followers <= 0:
            self._tails.pop(tail.run_id, None)

    def _start(self) -> None:
        # Each for itself: the quick one has ended while the slow one still sleeps.
        self._keep_looking(self._logs, LOOK_AT_LOGS_EVERY)
        self._keep_looking(self._rows, LOOK_AT_ROWS_EVERY)

    def _keep_looking(self, look: Look, seconds: float) -> None:
        task = self._tasks.get(look)
        if task is None or task.done():
            # Of its own context: it outlives the request that happens to start it.
            self._tasks[look] = asyncio.get_running_loop().create_task(
                self._every(seconds, look), context=contextvars.Context()
            )

    async def _every(self, seconds: float, look: Look) -> None:
        while self._tails:
            try:
                await look()
            except Exception:  # whatever it is, the followers wait for the next look
                logger.exception("Could not look at what is followed")
            await asyncio.sleep(seconds)

    async def _logs(self) -> None:
        for tail in list(self._tails.values()):
            tail.look()

    async def _rows(self) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._asker, read_snapshots, list(self._tails))
        for run_id, now in found.items():
            if (tail := self._tails.get(run_id)) is not None:
                tail.update(now)


_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, Watcher] = WeakKeyDictionary()


def watcher() -> Watcher:
    """The one of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _watchers.get(loop)
    if found is None:
        found = _watchers[loop] = Watcher()
    return found

"""A run that is no crawl: the same files in its folder, so that it is watched and judged alike."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from .files import Json, write_json, write_last_words
from .items import ItemWriter
from .logloss import lost_lines

logger = logging.getLogger(__name__)

INTERVAL = 1.0
FORMAT = "%(asctime)s [%(name)s] %(levelname)s: %(message)s"
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
# Modules that take locks which everybody needs.
LOCKSMITHS = {"threading", "logging"}
PATIENCE = 20


def log_to_the_run() -> None:
    """In the form that the log's readers know; standard error is the run's log."""
    logging.basicConfig(
        format=FORMAT, datefmt=DATE_FORMAT, level=logging.INFO, stream=sys.stderr, force=True
    )


class Stopped(SystemExit):
    """Told to end from outside: what was found up to then is saved."""


def _stop(_number: int, frame: FrameType | None, left: int = PATIENCE) -> None:
    if left and frame is not None and frame.f_globals.get("__name__") in LOCKSMITHS:
        # Raised while it takes a lock, this would leave it taken for ever: a moment later, then.
        signal.signal(signal.SIGALRM, partial(_stop, left=left - 1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one waits for nothing
    raise Stopped(128 + signal.SIGTERM)


class JobRun:
    """Used as a context: it reports progress meanwhile and the outcome at the end."""

    def __init__(self, folder: Path, *, items_bytes: int = 0) -> None:
        self.folder = folder
        self.items = ItemWriter(folder / "items.jsonl", items_bytes)
        self.count = 0
        self.error: Json | None = None
        self.finish_reason = "finished"
        self._active = time.time()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def emit(self, item: Any) -> None:
        with self._lock:
            self.items.add(item)
            self.count += 1
            self._active = time.time()

    def fail(self, kind: str, message: str, said: Json) -> None:
        """Known trouble: a sentence, no traceback."""
        logger.error("%s", message)
        self.error = {"type": kind, "message": message[:2000], "said": said}

    def __enter__(self) -> Self:
        # Before the first sign of life: whoever sees that may tell it to stop at once.
        self._handler_before = signal.signal(signal.SIGTERM, _stop)
        try:
            self._report("working")
            self._ticker.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows is short and must be whole
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._done.set()
        if self._ticker.ident is not None:
            self._ticker.join()
        if isinstance(error, Stopped):
            self.finish_reason = "shutdown"
            logger.info("Stopped by a signal")
        elif isinstance(error, Exception) or (isinstance(error, SystemExit) and error.code):
            logger.error("The job ended with an error", exc_info=error)
            self.error = {"type": type(error).__name__, "message": str(error)[:2000]}
        with contextlib.suppress(OSError):
            self._report("closing")
        write_last_words(self.folder / "outcome.json", self._outcome())
        signal.signal(signal.SIGTERM, self._handler_before)
        return isinstance(error, Exception)

    def _tick(self) -> None:
        while not self._done.wait(INTERVAL):
            try:
                self._report("working")
            except OSError as problem:
                logger.warning("Could not save the progress: %s", problem)

    def _report(self, stage: str) -> None:
        with self._lock:
            self.items.flush()
            figures: Json = {
                "at": time.time(),
                "active_at": self._active,
                "stage": stage,
                "items": self.count,
                "pages": 0,
                "errors": int(self.error is not None),
                "items_lost": self.items.lost,
            }
        write_json(self.folder / "progress.json", figures)

    def _outcome(self) -> Json:
        return {
            "final": True,
            "finish_reason": self.finish_reason,
            "bootstrap_error": self.error,
            "refused": [],
            "versions": {},
            "start_requests": False,
            "stats": {
                "item_scraped_count": self.count,
                "log_count/ERROR": int(self.error is not None),
                "finish_reason": self.finish_reason,
            },
            "items_stored": self.items.stored,
            "items_lost": self.items.lost,
            "items_error": self.items.error,
            "items_error_code": self.items.error_code,
            "log_lost": lost_lines(),
            "first_error": None,
            "last_error": None,
        }

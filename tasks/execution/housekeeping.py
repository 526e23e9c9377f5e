from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connection

from tasks.execution.kept_pages import forget_old_pages
from tasks.execution.retention import clean_up, preview, remove_unwanted

logger = logging.getLogger(__name__)
EVERY = 3600.0
FIRST_AFTER = 60.0


class Housekeeper:
    """A thread of the worker: removes old runs and pages once an hour, apart from what needs to be
    quick."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        pause = FIRST_AFTER
        while not self._stopping.wait(pause):
            pause = EVERY
            try:
                remove_unwanted()
                clean_up(preview())
                forget_old_pages()
            except DatabaseError as error:
                logger.warning("old runs could not be removed: %s", error)
            except Exception:  # the thread goes on: an hour later it may succeed
                logger.exception("old runs could not be removed")
            finally:
                connection.close()

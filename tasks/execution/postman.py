from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection

from tasks.services.delivering import deliver_due

logger = logging.getLogger(__name__)
EVERY = 2.0
MAX_BACKOFF = 60.0
# So long a stop waits for the message that is on its way.
LAST_WORDS = 12.0


class Postman:
    """A thread of the scheduler that sends alerts: a mail server that hangs keeps up nobody else.

    Only the leader looks, which saves the others the work; claims are what guarantees.
    """

    def __init__(self, *, leads: Callable[[], bool], every: float = EVERY) -> None:
        self.leads = leads
        self.every = every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(LAST_WORDS)

    def _run(self) -> None:
        pause = self.every
        while not self._stopping.wait(pause):
            try:
                self._look()
                pause = self.every
            except Exception as error:  # noqa: BLE001 - the thread goes on
                pause = min(MAX_BACKOFF, pause * 2)
                self._trouble(error)
        connection.close()

    def _look(self) -> None:
        if not self.leads():
            return
        close_old_connections()
        deliver_due(may_go_on=lambda: not self._stopping.is_set())

    def _trouble(self, error: Exception) -> None:
        if isinstance(error, DatabaseError):
            logger.warning("alerts wait for the database: %s", error)
        else:
            logger.exception("alerts could not be sent")
        connection.close()

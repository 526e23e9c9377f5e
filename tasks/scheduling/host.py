"""APScheduler as the host of our clock: its loop and its stores, our wakeups."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers.base import STATE_STOPPED, BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from tasks.scheduling.agenda import build_agenda, build_store
from tasks.scheduling.bell import Bell
from tasks.scheduling.lease import Lease
from tasks.scheduling.presence import Condition, NoWorker, Presence
from tasks.scheduling.timekeeper import TICK, Timekeeper
from tasks.services.firing import Fired

logger = logging.getLogger(__name__)

MAX_BACKOFF = 5.0


class Clock(BlockingScheduler):  # type: ignore[misc]  # APScheduler has no types
    """A wakeup that fails is logged and tried again; the loop never ends by itself."""

    def __init__(
        self,
        *,
        store: BaseJobStore | None = None,
        on_fired: Callable[[Fired], None] = lambda fired: None,
        condition: Callable[[], Condition] = NoWorker,
    ) -> None:
        super().__init__(timezone=settings.SCHEDULER_TIMEZONE)
        self.store = store or build_store()
        self.add_jobstore(self.store)
        presence = Presence(condition=condition)
        self.keeper = Timekeeper(
            agenda=build_agenda(self, self.store),
            lease=Lease(holder=presence.name),
            presence=presence,
            on_fired=on_fired,
        )
        self._failures = 0
        self._is_ending = False
        self._event = Bell()

    def start_without_loop(self) -> None:
        """Starts the stores; the caller wakes the keeper by itself."""
        BaseScheduler.start(self)

    def ask_to_stop(self) -> None:
        """Safe in a signal handler: takes no lock, touches no store."""
        self._is_ending = True
        self._event.set()

    def pause_for(self, seconds: float) -> None:
        """Sleeps, but not through a request to stop."""
        self._event.wait(seconds)

    def _main_loop(self) -> None:
        wait = 0.0
        while not self._is_ending:
            self._event.wait(wait)
            self._event.clear()
            if not self._is_ending:
                wait = self._process_jobs()
        self._leave()

    def _process_jobs(self) -> float:
        try:
            wait = self._wake_up()
        except Exception as error:  # noqa: BLE001 - whatever it is, the clock goes on
            return self._back_off(error)
        self._failures = 0
        return wait

    def _wake_up(self) -> float:
        # A file has no connection that goes stale.
        if connection.vendor != "sqlite" and not connection.in_atomic_block:
            close_old_connections()
        with self._jobstores_lock:
            return self.keeper.tick()

    def _back_off(self, error: Exception) -> float:
        self._failures += 1
        wait: float = min(MAX_BACKOFF, 0.25 * 2**self._failures)
        if isinstance(error, DatabaseError):
            logger.warning("the database can't be used, trying again in %.1f s: %s", wait, error)
            code = "no_database"
            self.keeper.lose_database()
        else:
            logger.exception("a wakeup failed, trying again in %.1f s", wait)
            code = "wakeup_failed"
        self.keeper.presence.note(code)
        _forget_connection()
        return min(wait, TICK) if not isinstance(error, DatabaseError) else wait

    def _leave(self) -> None:
        """Gives up the lease, so that another scheduler need not wait for its end."""
        self.state = STATE_STOPPED
        try:
            self.keeper.stop()
        except DatabaseError as error:
            logger.warning("the lease could not be given back: %s", error)
        for store in self._jobstores.values():
            store.shutdown()


def _forget_connection() -> None:
    try:
        connection.close()
    except DatabaseError as error:
        logger.debug("closing a broken connection: %s", error)
        connection.connection = None

"""The part of `runscheduler` that starts and watches runs: one thread, one per host."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from tasks.execution.catalogue import CatalogueKeeper
from tasks.execution.dispatching import Places, claim, give_back
from tasks.execution.finishing import tidy_left
from tasks.execution.folder import data_dir
from tasks.execution.housekeeping import Housekeeper
from tasks.execution.orders import LOG_BYTES, prepare_folder
from tasks.execution.queue import waiting_runs
from tasks.execution.stopping import GRACE
from tasks.execution.supervising import Supervisor
from tasks.executors.base import Executor, ExecutorUnavailable, Start
from tasks.executors.local import LocalExecutor, launcher_environment
from tasks.handlers import handler_of
from tasks.models import Run
from tasks.outcomes import Said
from tasks.runtime.files import is_no_room
from tasks.runtime.order import revoke
from tasks.secrets import SecretUnreadable
from tasks.services.addresses import demo_url
from tasks.services.disk import LEAST_FREE_BYTES, disk_usage
from tasks.services.settling import finish_run
from tasks.wake import QUEUED, STOPPING, Doorbell, socket_path

logger = logging.getLogger(__name__)

TICK = 1.0
SOON = 0.05
READ_REST = 0.25
MAX_BACKOFF = 5.0


@dataclass
class Condition:
    """What pages and `tasks status` tell about this worker."""

    running: int = 0
    launcher: str = ""
    notes: list[Said] = field(default_factory=list)
    disk_free: int | None = None
    disk_total: int | None = None


def local_executor() -> LocalExecutor:
    folder = data_dir()
    return LocalExecutor(
        path=socket_path(folder, "launcher.sock"),
        log=folder / "launcher.log",
        environment=launcher_environment(
            project=Path(settings.SCRAPY_PROJECT_PATH),
            configured=settings.SCRAPY_SETTINGS_MODULE,
            base=settings.BASE_DIR,
            demo_url=demo_url(),
        ),
    )


class Worker:
    def __init__(
        self,
        host: str,
        max_workers: int,
        *,
        executor: Executor | None = None,
        grace: float = GRACE,
        per_domain: int | None = None,
        only: Collection[UUID] | None = None,
    ) -> None:
        """With `only` it starts these runs and leaves the others in the queue."""
        self.host = host
        self.max_workers = max_workers
        self.only = only
        self.per_domain = settings.SCHEDULER_MAX_PER_SITE if per_domain is None else per_domain
        self.executor = executor or local_executor()
        self.supervisor = Supervisor(
            host=host, executor=self.executor.name, log_bytes=LOG_BYTES, grace=grace,
            is_loading=self.executor.is_loading,
        )  # fmt: skip
        self.condition = Condition()
        self.catalogue = CatalogueKeeper()
        self.housekeeper = Housekeeper()
        self.bell: Doorbell | None = None
        self._stopping = threading.Event()
        self._stop_runs = False
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._next_tick = 0.0
        # What was read of the queue and not started yet.
        self._waiting: list[Run] = []
        self._read_at = 0.0
        self._is_outdated = True
        self._has_new_room = False
        self._may_be_more = False
        self._has_launcher = True
        self._places = Places((), total=0, per_domain=0)
        self._lock: int | None = None
        self._disk_was_low = False

    # --- for others -------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()
        self.catalogue.start()
        self.housekeeper.start()

    def wake(self) -> None:
        """From any thread: look at the queue now."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._writing, b"!")

    def stop(self, *, stop_runs: bool = False, timeout: float = 60.0) -> None:
        """Without stop_runs the spiders go on, and the next worker picks them up."""
        self._stop_runs = stop_runs
        self._stopping.set()
        self.wake()
        self._thread.join(timeout)
        self.catalogue.stop()
        self.housekeeper.stop()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    # --- thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        backoff = 0.0
        try:
            while not self._is_done():
                try:
                    self._turn()
                    backoff = 0.0
                except Exception as error:  # noqa: BLE001 - the thread must live
                    backoff = min(MAX_BACKOFF, backoff * 2 or 0.2)
                    self._trouble(error)
                    self._stopping.wait(backoff)
        finally:
            self._leave()

    def _trouble(self, error: Exception) -> None:
        """A database that is away comes back; outcomes wait in the run folders until then."""
        if isinstance(error, DatabaseError):
            logger.warning("the database cannot be used: %s", error)
            with contextlib.suppress(DatabaseError):
                connection.close()
        else:
            logger.exception("the worker stumbled and goes on")

    def _is_done(self) -> bool:
        if not self._stopping.is_set():
            return False
        if self._stop_runs and self._lock is not None:
            self.supervisor.stop_all = True
            return not self.supervisor.known and self._next_tick > 0
        return True

    def _leave(self) -> None:
        # Each of these whatever became of those before it; the last one is done first.
        with contextlib.ExitStack() as steps:
            steps.callback(connection.close)
            if self._lock is not None:
                steps.callback(os.close, self._lock)
            if self.bell is not None:
                steps.callback(self.bell.close)
            has_the_place = self._lock is not None
            steps.callback(self.executor.close, quit_too=self._stop_runs and has_the_place)
            self.supervisor.tidy()

    def _turn(self) -> None:
        rang = self._wait()
        if not self._has_the_place():
            return
        self._take_news()
        is_due = time.monotonic() >= self._next_tick
        if is_due or STOPPING in rang:
            self.supervisor.look()
        else:
            self.supervisor.look_for_claims()
        if is_due:
            self._next_tick = time.monotonic() + TICK
            self._note_condition()
            # A file has no connection that goes stale.
            if connection.vendor != "sqlite":
                close_old_connections()
        if is_due or QUEUED in rang:
            self._is_outdated = True
        if not self._stopping.is_set():
            self._dispatch()
        self.supervisor.tidy()

    def _take_news(self) -> None:
        for news in self.executor.ended():
            run = self.supervisor.known.get(UUID(news.run_id))
            self.supervisor.ended(news)
            if run is not None and run.is_ended:
                del self.supervisor.known[run.pk]
                self._places.give_back(run)
                self._has_new_room = True

    def _wait(self) -> set[bytes]:
        if self.bell is None:
            self.bell = Doorbell(data_dir())
        poll = select.poll()
        descriptors = [self._reading, self.bell.fileno(), self.executor.descriptor()]
        for descriptor in descriptors:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(self._pause() * 1000)}
        if self._reading in ready:
            os.read(self._reading, 4096)
            return self.bell.answer() | {QUEUED}
        return self.bell.answer()

    def _pause(self) -> float:
        is_soon = self.supervisor.starting or not self._has_launcher
        rest = max(0.0, self._next_tick - time.monotonic())
        return min(rest, SOON if is_soon else TICK)

    def _has_the_place(self) -> bool:
        """One worker per host: a second one stands by until the first is gone."""
        if self._lock is not None:
            return True
        lock = os.open(data_dir() / f"worker-{self.host}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            self._next_tick = time.monotonic() + TICK
            return False
        self._lock = lock
        tidy_left(self.host)
        return True

    # --- starting runs ----------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Starts what fits. The queue is read when somebody rang, and each second. While many
        wait, whoever comes later is seen a moment later: reading all of them for each that comes
        would cost more than starting them."""
        if self._is_outdated and time.monotonic() - self._read_at > READ_REST:
            self._read_queue()
        self._start_waiting()
        if (self._is_outdated or self._has_new_room) and self._places.free > 0:
            # For what was read before there is no room; for others there may be.
            self._read_queue()
            self._start_waiting()
        if self._may_be_more and not self._waiting and self._places.free > 0:
            # One reading holds a few runs: the rest is read at once and not at the next tick.
            self._may_be_more = False
            self.wake()

    def _start_waiting(self) -> None:
        if not self._waiting or self._places.free <= 0 or self._is_disk_low():
            return
        self._has_launcher = self.executor.is_ready()
        if not self._has_launcher:
            return
        for run in list(self._waiting):
            if self._places.free <= 0:
                break
            if self._may_start(run) and self._places.has_room_for(run):
                self._waiting.remove(run)
                if self._start(run):
                    self._places.take(run)

    def _count_places(self) -> Places:
        """By what the supervisor knows: it has looked at the table within the second, and each
        start and end since then goes through it."""
        active = self.supervisor.known.values()
        return Places(active, total=self.max_workers, per_domain=self.per_domain)

    def _read_queue(self) -> None:
        self._places = self._count_places()
        if self._places.free <= 0:
            return
        self._waiting = waiting_runs(
            host=self.host,
            executor=self.executor.name,
            default=True,
            now=timezone.now(),
            places=self._places,
        )
        self._is_outdated, self._has_new_room = False, False
        self._read_at = time.monotonic()
        self._may_be_more = bool(self._waiting)

    def _may_start(self, run: Run) -> bool:
        return self.only is None or run.pk in self.only

    def _start(self, run: Run) -> bool:
        if not claim(run, host=self.host, executor=self.executor.name, now=timezone.now()):
            return False
        try:
            folder = prepare_folder(run)
            self.executor.start(
                Start(
                    run_id=str(run.pk),
                    token=run.claim_token,
                    folder=folder,
                    is_ours=not handler_of(run.kind).runs_project_code,
                )
            )
        except SecretUnreadable:
            self._fail(run, "secret_unreadable")
            return False
        except OSError as error:
            said = {"said": {"code": "no_space"}} if is_no_room(error) else {}
            self._fail(run, "disk_full", message=error.strerror or str(error), **said)
            return False
        except ExecutorUnavailable:
            if revoke(folder, run.claim_token):
                give_back(run)
            return False
        self.supervisor.watch(run)
        return True

    def _fail(self, run: Run, reason: str, **detail: Any) -> None:
        finish_run(
            run_id=run.pk,
            source=Run.Status.STARTING,
            status=Run.Status.FAILED,
            reason=reason,
            token=run.claim_token,
            detail=detail,
        )

    # --- condition --------------------------------------------------------------------------

    def _note_disk(self, free: int) -> None:
        was_low, self._disk_was_low = self._disk_was_low, free < LEAST_FREE_BYTES
        if self._disk_was_low and not was_low:
            logger.warning("nothing is started: only %s MB are free on the disk", free // 1024**2)
        elif was_low and not self._disk_was_low:
            logger.info("the disk has room again")

    def _is_disk_low(self) -> bool:
        return disk_usage().free < LEAST_FREE_BYTES

    def _note_condition(self) -> None:
        health, disk = self.executor.health(), disk_usage()
        problem = self.catalogue.problem
        notes = [*health.notes, *([problem] if problem else [])]
        self._note_disk(disk.free)
        self.condition = Condition(
            running=len(self.supervisor.known),
            launcher=health.mode,
            notes=notes,
            disk_free=disk.free,
            disk_total=disk.total,
        )

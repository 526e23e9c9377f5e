"""Starts runs: one process with Scrapy and the project's spiders imported, which forks a child per
run. Where forking would be unsafe it starts a fresh process instead, and says so.

Usage: boot.py launcher SOCKET. It speaks one JSON object per line over a Unix socket:

    {"op": "run", "id", "folder", "token"}   → {"event": "started", ...}, {"event": "exit", ...}
                                               ("quiet": true leaves the first one out)
    {"op": "list"}                           → {"event": "list", "runs": [...]}
    {"op": "status"}                         → {"event": "status", "mode", "reasons", ...}
    {"op": "reload"}, {"op": "quit"}           → {"event": "loading"} before new code is read
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import reactor
from .child import (
    HANDLED,
    REFUSED,
    reset_signals,
    run_and_exit,
    stand_alone,
    write_to_log,
)
from .files import Json, write_last_words
from .machine import boot_id, peak_kb, start_ticks
from .preload import Watch, preload, reasons_against_forking, spider_folders
from .project import Project, enter_project, project_path
from .single import REACTOR_FIRST
from .spare import Spare, wait_for_order
from .wire import Client, Doors, Inheritance

TICK = 1.0
LONELY_SECONDS = 60.0
# The next spare is not made at once: the run that starts needs the processor more.
SPARE_AFTER = 0.05
# After one that ended by itself.
SPARE_REST = 10.0
# Where one would wait in vain, or with connections that grow old meanwhile.
WITHOUT_SPARE = {"project_broken", "fork_connections"}


class Launcher:
    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.clients: dict[int, Client] = {}
        self.runs: dict[int, Json] = {}
        self.stopping = False
        self.project: Project | None = None
        self.reasons: list[Json] = []
        self._reactor_first = False
        self._spare: Spare | None = None
        self._started_at = 0.0
        self.started = time.monotonic()
        self.boot_ms = 0.0
        self._checked = 0.0
        self._lonely_since = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._wake, self._wakeup = _signal_pipe()

    # --- start ------------------------------------------------------------------------------

    def prepare(self, inherited: Inheritance | None) -> None:
        """Load the project while requests wait in the socket; then make the heap ready to share."""
        if inherited:
            self.runs = inherited.runs
            self.clients = {client.fileno(): client for client in inherited.clients}
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        # The image before this one may have been told to end while it handed over.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        loading_since = time.time_ns()
        try:
            self.project = preload()
        except BaseException:  # noqa: BLE001 - broken project code must not end the launcher
            error = traceback.format_exc(limit=-3).strip()
            sys.stderr.write(f"{error}\n")
            self.reasons = [{"code": "project_broken", "error": error.splitlines()[-1]}]
        own = self._own_descriptors()
        self.reasons += reasons_against_forking(own)
        self._reactor_first = self.project is not None and reactor.is_wrong(self.project.settings)
        self.watch = Watch(spider_folders(self.project), loading_since=loading_since)
        self._register()
        # A collected, frozen heap stays shared: children copy no page of it to count references.
        gc.collect()
        gc.freeze()
        # On from here: the launcher lives long, and garbage would grow with each run.
        gc.enable()
        self.boot_ms = (time.monotonic() - self.started) * 1000

    def _own_descriptors(self) -> set[int]:
        return {
            self.doors.listener.fileno(),
            self.doors.lock,
            self._selector.fileno() if hasattr(self._selector, "fileno") else -1,
            self._wake,
            self._wakeup,
            self._spare.door if self._spare else -1,
            *self.clients,
        }

    def _register(self) -> None:
        for descriptor in (self.doors.listener.fileno(), self._wake, *self.clients):
            self._selector.register(descriptor, selectors.EVENT_READ)

    def _on_term(self, *_: object) -> None:
        self.stopping = True

    # --- loop -------------------------------------------------------------------------------

    def serve(self) -> None:
        self._reap()
        for descriptor in list(self.clients):
            self._answer(descriptor)
        while not self.stopping:
            for key, _events in self._selector.select(TICK):
                self._on_readable(key.fd)
            self._reap()
            self._housekeeping()
        self.doors.close()

    def _on_readable(self, descriptor: int) -> None:
        if descriptor == self._wake:
            os.read(self._wake, 4096)
        elif descriptor == self.doors.listener.fileno():
            self._accept()
        elif descriptor in self.clients:
            if self.clients[descriptor].receive():
                self._answer(descriptor)
            else:
                self._drop(descriptor)

    def _housekeeping(self) -> None:
        if self.clients or self.runs:
            self._lonely_since = time.monotonic()
        is_lonely = time.monotonic() - self._lonely_since > LONELY_SECONDS
        if not self.runs and (is_lonely or not self.doors.still_ours()):
            self.stopping = True
        elif self._is_stale(not_before=time.monotonic() - TICK):
            self._start_over()
        elif self._wants_spare():
            self._make_spare()

    def _accept(self) -> None:
        client = self.doors.accept()
        if client is not None:
            self.clients[client.fileno()] = client
            self._selector.register(client.fileno(), selectors.EVENT_READ)

    def _drop(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        self.clients.pop(descriptor).close()

    def _tell(self, message: Json, *, only: int | None = None) -> None:
        for descriptor in [only] if only is not None else list(self.clients):
            if descriptor in self.clients and not self.clients[descriptor].send(message):
                # Not dropped yet: what it said before it left may still have to be read.
                self.clients[descriptor].hang_up()

    # --- requests ---------------------------------------------------------------------------

    def _answer(self, descriptor: int) -> None:
        while descriptor in self.clients:
            client = self.clients[descriptor]
            request = client.peek()
            if request is None or self.stopping:
                return
            if request.get("op") == "run" and self._is_stale(not_before=client.heard):
                # The request stays in the buffer: the new image serves it.
                self._start_over()
                return
            client.take()
            self._handle(descriptor, request)

    def _handle(self, descriptor: int, request: Json) -> None:
        match request.get("op"):
            case "run":
                self._run(request)
            case "list":
                self._tell({"event": "list", "runs": list(self.runs.values())}, only=descriptor)
            case "status":
                self._tell(self._status(), only=descriptor)
            case "reload":
                self._start_over()
            case "quit":
                self.stopping = True
            case unknown:
                self._tell({"event": "error", "message": f"unknown: {unknown}"}, only=descriptor)

    def _status(self) -> Json:
        return {
            "event": "status",
            "pid": os.getpid(),
            "mode": "fresh" if self.reasons else "fork",
            "reasons": self.reasons,
            "errors": self.project.errors if self.project else {},
            "boot_ms": round(self.boot_ms, 1),
            "running": len(self.runs),
        }

    # --- runs -------------------------------------------------------------------------------

    def _run(self, request: Json) -> None:
        folder, token = Path(request["folder"]), str(request["token"])
        try:
            pid = self._start(folder, token)
        except OSError as error:
            self._tell(
                {"event": "refused", "id": request["id"], "token": token, "message": str(error)}
            )
            return
        self.runs[pid] = {
            "id": request["id"],
            "token": token,
            "folder": str(folder),
            "pid": pid,
            "start_ticks": start_ticks(pid),
            "boot_id": boot_id(),
        }
        # Nobody is woken who doesn't want to know: the run needs the processor more.
        if not request.get("quiet"):
            self._tell({"event": "started", **self.runs[pid]})

    def _start(self, folder: Path, token: str) -> int:
        self._started_at = time.monotonic()
        spare, self._spare = self._spare, None
        if spare is not None and spare.send(str(folder), token):
            return spare.pid
        if self.reasons:
            return self._spawn([str(folder), token])
        return self._fork(lambda: (str(folder), token))

    def _fork(self, order: Callable[[], tuple[str, str] | None], unwanted: int = -1) -> int:
        # Blocked across the fork: a signal in between would end in the launcher's handler.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        pid = os.fork()
        if pid == 0:
            self._become_child(order, unwanted)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        return pid

    def _spawn(self, arguments: list[str], stdin: int = 0) -> int:
        boot = str(Path(__file__).with_name("boot.py"))
        first = [REACTOR_FIRST] if self._reactor_first else []
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", boot, "single", *first, *arguments],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0)],
            setsigmask=[],
            setsigdef=HANDLED,
        )

    def _wants_spare(self) -> bool:
        is_quiet = time.monotonic() - self._started_at > SPARE_AFTER
        is_fit = not any(reason["code"] in WITHOUT_SPARE for reason in self.reasons)
        return is_quiet and is_fit and self._spare is None

    def _make_spare(self) -> None:
        reading, writing = os.pipe()
        try:
            if self.reasons:
                pid = self._spawn([], stdin=reading)
            else:
                pid = self._fork(lambda: wait_for_order(reading), unwanted=writing)
        except OSError:  # out of processes or memory: runs may still start without one
            os.close(writing)
            self._started_at = time.monotonic() + SPARE_REST
            return
        finally:
            os.close(reading)
        self._spare = Spare(pid, writing)

    def _become_child(self, order: Callable[[], tuple[str, str] | None], unwanted: int) -> None:
        try:
            for descriptor in {*self._own_descriptors(), unwanted} - {-1}:
                os.close(descriptor)
            reset_signals()
            stand_alone()
            found = order()
            if found is None:
                os._exit(0)
            folder, token = Path(found[0]), found[1]
            write_to_log(folder)
        except BaseException:  # noqa: BLE001 - must not return into the launcher's loop
            traceback.print_exc()
            os._exit(1)
        run_and_exit(folder, token, self._loaded)

    def _loaded(self) -> Project:
        if self.project is None:
            raise RuntimeError("forked without a project")
        return self.project

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status), usage)

    def _ended(self, pid: int, code: int, usage: Any) -> None:
        if self._spare is not None and self._spare.pid == pid:
            os.close(self._spare.door)
            self._spare = None
            self._started_at = time.monotonic() + SPARE_REST
        run = self.runs.pop(pid, None)
        if run is None:
            return
        record: Json = {
            "id": run["id"],
            "token": run["token"],
            "pid": pid,
            "code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            "max_rss_kb": peak_kb(usage),
            "at": time.time(),
        }
        try:
            # One that was turned away says nothing about the run.
            if code != REFUSED:
                write_last_words(Path(run["folder"]) / "exit.json", record)
        except OSError as error:
            record["record_error"] = str(error)
        self._tell({"event": "exit", **record})

    # --- new code ---------------------------------------------------------------------------

    def _is_stale(self, *, not_before: float) -> bool:
        """A run never starts with code that is older than its request: the files are looked at
        once for all requests that came together."""
        if self._checked > not_before:
            return False
        self._checked = time.monotonic()
        return self.watch.changed() is not None

    def _start_over(self) -> None:
        """The same process with fresh code: its children, socket and clients stay what they are."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        if self.stopping:
            return
        self._tell({"event": "loading"})
        inheritance = Inheritance(self.doors, self.runs, list(self.clients.values()))
        inheritance.hand_over()
        signal.set_wakeup_fd(-1)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _signal_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


def main(arguments: list[str]) -> int:
    if os.getsid(0) != os.getpid():
        os.setsid()  # Ctrl-C in a terminal is for the scheduler, which decides about runs
    enter_project(project_path())
    inherited = Inheritance.receive()
    doors = inherited.doors if inherited else Doors.open(Path(arguments[0]))
    if doors is None:
        sys.stderr.write("another launcher is serving this socket\n")
        return 3
    launcher = Launcher(doors)
    launcher.prepare(inherited)
    sys.stderr.write(f"launcher {os.getpid()}: {launcher._status()}\n")
    launcher.serve()
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread that the project started would keep it, and the heap need not be taken apart.
    os._exit(0)

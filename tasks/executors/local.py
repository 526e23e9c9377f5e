"""Runs on this machine, through the launcher (tasks/runtime/launcher.py)."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tasks.executors.base import Ended, ExecutorUnavailable, Health, Start
from tasks.executors.environment import clean_environment, settings_module_of
from tasks.executors.house import HouseProcesses
from tasks.outcomes import Said

logger = logging.getLogger(__name__)

BOOT = Path(__file__).resolve().parent.parent / "runtime" / "boot.py"
QUIT_SECONDS = 5.0
# The launcher's own word for it.
ANOTHER_SERVES = 3
LOG_LIMIT = 5 * 1024 * 1024


class LocalExecutor:
    name: ClassVar[str] = "local"

    def __init__(
        self,
        *,
        path: Path,
        log: Path,
        environment: Mapping[str, str],
        own_environment: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._log = log
        self._environment = dict(environment)
        self._sock: socket.socket | None = None
        self._buffer = b""
        self._ended: list[Ended] = []
        self._house = HouseProcesses(os.environ if own_environment is None else own_environment)
        self._health = Health()
        self._pid: int | None = None
        self._has_answered = False
        self._has_failed = False

    # --- connection -------------------------------------------------------------------------

    def is_ready(self) -> bool:
        """Tries once, without waiting; starts the launcher where there is none."""
        if self._sock is not None:
            return True
        if not self._try_to_connect():
            self._start_launcher()
            return False
        self._send({"op": "status"})
        return True

    def _try_to_connect(self) -> bool:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(self._path))
        except OSError:
            sock.close()
            return False
        self._sock, self._buffer = sock, b""
        return True

    def _start_launcher(self) -> None:
        if self._is_starting():
            return
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".old.log"))
        # A file, never a pipe: the launcher outlives us. It takes a session of its own.
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            self._has_answered = False
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", str(BOOT), "launcher", str(self._path)],
                self._environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
            )
        finally:
            os.close(log)

    def _is_starting(self) -> bool:
        """True while the launcher that this object started lives; reaps it when it doesn't."""
        if self._pid is None:
            return False
        try:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            ended, status = self._pid, 0
        if ended:
            self._pid = None
            self._note_end(os.waitstatus_to_exitcode(status))
        return self._pid is not None

    def _note_end(self, code: int) -> None:
        if not self._has_answered and code != ANOTHER_SERVES:
            self._has_failed = True
            self._health = Health(notes=[{"code": "launcher_ends", "exit": code}])

    def is_loading(self) -> bool:
        # One that ended while it loaded will hardly do better the next time.
        waits = not self._has_answered and not self._has_failed
        return waits and (self._sock is not None or self._is_starting())

    def descriptor(self) -> int | None:
        return self._sock.fileno() if self._sock is not None else None

    def close(self, *, quit_too: bool) -> None:
        self._house.close()
        if quit_too:
            self._tell_to_leave()
        self._disconnect()
        if quit_too:
            self._see_it_gone()

    def _see_it_gone(self) -> None:
        """With nothing left to run there is nothing to wait for: what hangs is ended."""
        deadline = time.monotonic() + QUIT_SECONDS
        while self._is_starting():
            if time.monotonic() > deadline and self._pid is not None:
                logger.warning("the launcher did not leave in time and was killed")
                os.kill(self._pid, signal.SIGKILL)
                deadline = math.inf
            time.sleep(0.02)

    def _tell_to_leave(self) -> None:
        if self._sock is None:
            self._try_to_connect()  # one that another scheduler left, and nothing was to start
        with contextlib.suppress(ExecutorUnavailable):
            self._send({"op": "quit"})
            return
        # It is still starting, and nobody would ever connect to it.
        if self._is_starting() and self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)

    def _disconnect(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    # --- messages ---------------------------------------------------------------------------

    def start(self, start: Start) -> None:
        if start.is_ours:
            self._house.start(start)
            return
        place = {"folder": str(start.folder), "token": start.token}
        self._send({"op": "run", "id": start.run_id, **place, "quiet": True})

    def _send(self, message: dict[str, Any]) -> None:
        if self._sock is None:
            raise ExecutorUnavailable("no connection to the launcher")
        try:
            self._sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            self._disconnect()
            raise ExecutorUnavailable(f"the launcher went away: {error}") from None

    def ended(self) -> list[Ended]:
        self._receive()
        ended, self._ended = self._ended, []
        return ended + self._house.ended()

    def _receive(self) -> None:
        while self._sock is not None:
            try:
                data = self._sock.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._disconnect()
                break
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _note(self, message: dict[str, Any]) -> None:
        self._has_answered = message.get("event") != "loading"
        self._has_failed = False
        match message.get("event"):
            case "exit" | "refused":
                token = str(message.get("token", ""))
                self._ended.append(Ended(run_id=str(message["id"]), token=token, record=message))
            case "status":
                notes = [*message["reasons"], *map(_broken, message["errors"].items())]
                self._health = Health(mode=message["mode"], notes=notes)

    def health(self) -> Health:
        """Of a launcher that another scheduler left, too, though nothing is to start."""
        if self._sock is not None or self._try_to_connect():
            with contextlib.suppress(ExecutorUnavailable):
                self._send({"op": "status"})
        return self._health

    def pid(self) -> int | None:
        """Of the launcher, where this object started it."""
        return self._pid


def _broken(error: tuple[str, str]) -> Said:
    module, text = error
    last = text.strip().splitlines()[-1:] or [""]
    return {"code": "module_broken", "module": module, "error": last[0]}


def launcher_environment(
    *, project: Path, configured: str, base: Path, demo_url: str = ""
) -> dict[str, str]:
    """`demo_url` is where the demo shop stands, for the search source of that name."""
    module = settings_module_of(project, configured, base)
    kept = clean_environment(os.environ, project=str(project), settings_module=module)
    return {**kept, "DEMO_URL": demo_url} if demo_url else kept

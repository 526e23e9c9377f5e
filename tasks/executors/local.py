"""Runs on this machine, through the launcher (tasks/runtime/launcher.py)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tasks.executors.base import Ended, ExecutorUnavailable, Health, Start
from tasks.executors.environment import clean_environment, settings_module_of

BOOT = Path(__file__).resolve().parent.parent / "runtime" / "boot.py"
LOG_LIMIT = 5 * 1024 * 1024


class LocalExecutor:
    name: ClassVar[str] = "local"

    def __init__(self, *, path: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._path = path
        self._log = log
        self._environment = dict(environment)
        self._sock: socket.socket | None = None
        self._buffer = b""
        self._ended: list[Ended] = []
        self._health = Health()
        self._process: subprocess.Popen[bytes] | None = None

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
        if self._process is not None and self._process.poll() is None:
            return
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".old.log"))
        # A file, never a pipe: the launcher outlives us. Its own session keeps Ctrl-C from it.
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - no input is in it
                [sys.executable, "-P", str(BOOT), "launcher", str(self._path)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def descriptor(self) -> int | None:
        return self._sock.fileno() if self._sock is not None else None

    def close(self, *, quit_too: bool) -> None:
        if quit_too and self._sock is not None:
            with contextlib.suppress(ExecutorUnavailable):
                self._send({"op": "quit"})
        self._disconnect()
        if quit_too and self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)

    def _disconnect(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    # --- messages ---------------------------------------------------------------------------

    def start(self, start: Start) -> None:
        self._send(
            {"op": "run", "id": start.run_id, "token": start.token, "folder": str(start.folder)}
        )

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
        return ended

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
        match message.get("event"):
            case "exit" | "refused":
                token = str(message.get("token", ""))
                self._ended.append(Ended(run_id=str(message["id"]), token=token, record=message))
            case "status":
                notes = [*message["reasons"], *map(_broken, message["errors"].items())]
                self._health = Health(mode=message["mode"], notes=notes)

    def health(self) -> Health:
        if self._sock is not None:
            with contextlib.suppress(ExecutorUnavailable):
                self._send({"op": "status"})
        return self._health

    def pid(self) -> int | None:
        """Of the launcher that this object started, for tests and for the process list."""
        return self._process.pid if self._process else None


def _broken(error: tuple[str, str]) -> str:
    module, text = error
    return f"{module}: {text.strip().splitlines()[-1] if text.strip() else ''}"


def launcher_environment(*, project: Path, configured: str, base: Path) -> dict[str, str]:
    module = settings_module_of(project, configured, base)
    return clean_environment(os.environ, project=str(project), settings_module=module)

"""A scheduler in the background, and the way to end it."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import connections

STOP_TIMEOUT = 90.0


class DaemonError(RuntimeError):
    pass


def pid_file() -> Path:
    return Path(settings.DATA_DIR) / "runscheduler.pid"


def detach() -> int:
    """The classic double fork. Returns the descriptor whose lock says that we live."""
    lock = os.open(pid_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DaemonError(f"A scheduler already runs in the background ({_read_pid()}).") from None
    connections.close_all()
    _fork_and_leave()
    os.setsid()
    _fork_and_leave()
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    _redirect()
    return lock


def stop(*, stop_runs: bool) -> int:
    """Asks the scheduler in the background to end and waits for it; returns its pid."""
    pid = running_pid()
    if pid is None:
        raise DaemonError("No scheduler runs in the background here.")
    os.kill(pid, signal.SIGUSR1 if stop_runs else signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while running_pid() == pid:
        if time.monotonic() > deadline:
            raise DaemonError(f"The scheduler ({pid}) did not end within {STOP_TIMEOUT:.0f} s.")
        time.sleep(0.05)
    return pid


def running_pid() -> int | None:
    """The lock tells the truth: a pid in a file may belong to a stranger by now."""
    try:
        descriptor = os.open(pid_file(), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid()
    else:
        return None
    finally:
        os.close(descriptor)


def _read_pid() -> int | None:
    text = pid_file().read_text().strip()
    return int(text) if text.isdecimal() else None


def _fork_and_leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os._exit(0)


def _redirect() -> None:
    log = os.open(
        Path(settings.DATA_DIR) / "runscheduler.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)

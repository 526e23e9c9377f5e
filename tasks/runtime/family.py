"""What a run started ends with it, also what left its group: a browser, a program in the
background."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time

from .machine import children, has_proc

PR_SET_CHILD_SUBREAPER = 36
SECONDS = 2.0


def can_adopt() -> bool:
    """Only Linux has it. Elsewhere an orphan is found by its session or its environment."""
    return sys.platform == "linux" and has_proc()


def adopt_orphans() -> None:
    """What loses its parent becomes a child of this process, not of the machine's first one."""
    if can_adopt():
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """Each round ends one generation, whose own children then are ours."""
    deadline = time.monotonic() + SECONDS
    while (left := children()) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)

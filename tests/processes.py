"""Real processes for tests: started with a mark, so that none of them can be overlooked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from tests.environment import ROOT

MARK = "SPIDER_SCHEDULER_TEST"


def marked(mark: str) -> list[str]:
    """What runs with that mark in its environment, descendants in other sessions included."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError, SystemError):
            if process.environ().get(MARK) == mark:
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
    return found


def spawn(*command: str, env: Mapping[str, str], log: Any) -> subprocess.Popen[bytes]:
    """Python with this command in the project's folder; its output goes to the log."""
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
    )


@contextmanager
def started(
    command: list[str], *, mark: str, env: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env={**env, MARK: mark},
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        # Descendants first: they hold the pipe open that communicate() reads to its end.
        for line in marked(mark):
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)
        process.communicate()


def status(url: str) -> int | None:
    """The answer's status, or None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None

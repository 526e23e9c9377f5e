"""Runs the Procfile's processes together: `python -m scheduler_site.processes`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import honcho.manager
from honcho.environ import parse_procfile
from honcho.process import Process

SIGNALS = frozenset(honcho.manager.SIGNALS)
ROOT = Path(__file__).resolve().parent.parent
# Spiders get time to finish their open requests and to write down what they found.
honcho.manager.KILL_WAIT = 60


class PatientProcess(Process):  # type: ignore[misc]
    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        for number in SIGNALS:
            # Not SIG_IGN, which the command would inherit and then never end.
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        super().run(events, ignore_signals)


class PatientManager(honcho.manager.Manager):  # type: ignore[misc]
    """honcho forgets the processes, and hangs, when it is told to end while they start."""

    told_to_end = False

    def __init__(self) -> None:
        super().__init__()
        self._process_ctor = PatientProcess

    def _start(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        super()._start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def terminate(self) -> None:
        self.told_to_end = True
        if super()._all_started():
            super().terminate()

    def _all_started(self) -> bool:
        started = bool(super()._all_started())
        if started and self.told_to_end:
            super().terminate()
        return started


def process_env() -> dict[str, str]:
    """The Procfile says `python`: the one that runs this, whichever comes first on the PATH."""
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join([binaries, os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def run(procfile: Path) -> int:
    manager = PatientManager()
    processes = parse_procfile(procfile.read_text(encoding="utf-8")).processes
    for name, command in processes.items():
        manager.add_process(name, command, env=process_env(), cwd=str(ROOT))
    manager.loop()
    return int(manager.returncode or 0)


if __name__ == "__main__":
    sys.exit(run(ROOT / "Procfile"))

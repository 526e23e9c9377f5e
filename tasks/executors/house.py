"""Runs whose code is ours and needs our tables: a fresh process of this very site each. A project's
own code never runs here; the launcher's children know nothing of our database and secrets."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.executors.base import Ended, ExecutorUnavailable, Start

ENTRY = "tasks.execution.job_process"
ROOT = Path(__file__).resolve().parent.parent.parent


class HouseProcesses:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: dict[subprocess.Popen[bytes], Start] = {}

    def start(self, start: Start) -> None:
        command = [sys.executable, "-m", ENTRY, str(start.folder), start.token]
        # The mark by which every process of the run is found again.
        environment = {**self._environment, "SPIDER_RUN_ID": start.run_id}
        try:
            with (start.folder / "run.log").open("ab") as log:
                process = subprocess.Popen(  # noqa: S603 - made of ids and a token of ours
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise ExecutorUnavailable(str(error)) from None
        self._running[process] = start

    def ended(self) -> list[Ended]:
        gone = [process for process in self._running if process.poll() is not None]
        return [self._ended(process, self._running.pop(process)) for process in gone]

    def close(self) -> None:
        """What still runs lives on; the next supervisor finds it by its claim."""
        self.ended()
        for process in self._running:
            # Else Popen complains at the end that nobody waited.
            process.returncode = 0
        self._running.clear()

    def _ended(self, process: subprocess.Popen[bytes], start: Start) -> Ended:
        code = process.returncode
        record: dict[str, Any] = {
            "id": start.run_id,
            "token": start.token,
            "pid": process.pid,
            "code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "at": time.time(),
        }
        # A full disk loses the record, not the end: the supervisor sees that the process is gone.
        with contextlib.suppress(OSError):
            path = start.folder / "exit.json"
            draft = path.with_name(f".exit.json.{os.getpid()}")
            draft.write_text(json.dumps(record), encoding="utf-8")
            draft.replace(path)
        return Ended(run_id=start.run_id, token=start.token, record=record)

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.execution.processes import kill_all, members, signal_group
from tasks.runtime.family import can_adopt
from tasks.runtime.files import create_json, read_json

logger = logging.getLogger(__name__)

GRACE = 10.0
# After the second TERM, which ends a crawl without waiting for its open requests.
LAST_GRACE = 2.0


@dataclass
class Stop:
    """TERM; TERM again after the grace period; KILL. A restarted supervisor begins anew."""

    pid: int
    run_id: str
    grace: float = GRACE
    reason: str = ""
    ticks: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0
    stage: int = 0

    def press(self, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        if self.stage == 0:
            self.began = now
            self._term()
        elif self.stage == 1 and now - self.began >= self.grace:
            self._term()
        elif self.stage >= 2 and now - self.began >= self.grace + LAST_GRACE:
            kill_all(self.pid, self.run_id, self.ticks)

    def _term(self) -> None:
        self.stage += 1
        signal_group(self.pid, signal.SIGTERM)


def note_stop(folder: Path, reason: str, **detail: Any) -> None:
    """Why we end it, kept for whoever settles it. The first reason stands."""
    note = {"reason": reason, "detail": detail, "at": time.time()}
    try:
        create_json(folder / "stop.json", note)
    except OSError as error:
        logger.warning("%s: could not note why it is stopped: %s", folder, error)


def stop_reason(folder: Path) -> str:
    return str((read_json(folder / "stop.json") or {}).get("reason") or "")


def _has_group(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def clear_group(pid: int, ticks: int | None, run_id: str, *, ended_well: bool) -> bool:
    """True once nothing of the run is left; what is left is killed first.

    Where it ended by itself, and with it all that it had adopted, its group tells enough: looking
    at every process takes a while.
    """
    if ended_well and can_adopt() and not _has_group(pid):
        return True
    if not kill_all(pid, run_id, ticks):
        return True
    return not members(pid, run_id, ticks)

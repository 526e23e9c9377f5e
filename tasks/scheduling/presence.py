"""The heartbeat row of one scheduler: what pages and health believe, not a flag in memory."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from django.utils import timezone

from tasks.models import SchedulerProcess
from tasks.outcomes import Said
from tasks.scheduling.clocks import steady
from tasks.services.disk import disk_usage

EVERY = 2.0
FORGOTTEN_AFTER = timedelta(days=1)
SHOWN_FOR = 3600.0


class Condition(Protocol):
    """What the part that runs spiders tells about itself and its machine."""

    @property
    def running(self) -> int: ...
    @property
    def launcher(self) -> str: ...
    @property
    def notes(self) -> list[Said]: ...
    @property
    def disk_free(self) -> int | None: ...
    @property
    def disk_total(self) -> int | None: ...


@dataclass
class NoWorker:
    running: int = 0
    launcher: str = ""
    notes: list[Said] = field(default_factory=list)
    disk_free: int | None = None
    disk_total: int | None = None


class Note(NamedTuple):
    said: Said
    at: float


@dataclass
class Presence:
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    started_at: datetime = field(default_factory=timezone.now)
    notes: dict[str, Note] = field(default_factory=dict)
    condition: Callable[[], Condition] = NoWorker
    jobs: int = 0
    _beaten: float | None = None

    @property
    def name(self) -> str:
        return f"{self.host}/{self.pid}"

    def note(self, code: str, **values: int) -> None:
        """Trouble, for the pages, which put it into words; the newest of its kind."""
        now = timezone.now().isoformat()
        self.notes[code] = Note({"code": code, "at": now, **values}, steady())
        self._beaten = None

    def beat(self, *, is_leader: bool, force: bool = False) -> None:
        if not force and self._beaten is not None and steady() - self._beaten < EVERY:
            return
        if self._beaten is None:
            self._forget_the_dead()
        figures = self._figures(is_leader=is_leader)
        mine = SchedulerProcess.objects.filter(name=self.name)
        if not mine.update(**figures):
            SchedulerProcess.objects.create(
                name=self.name, host=self.host, pid=self.pid, started_at=self.started_at, **figures
            )
        self._beaten = steady()

    def _figures(self, *, is_leader: bool) -> dict[str, Any]:
        condition = self.condition()
        disk = disk_usage()
        return {
            "seen_at": timezone.now(),
            "is_leader": is_leader,
            "running": condition.running,
            "jobs": self.jobs if is_leader else 0,
            "launcher": condition.launcher,
            "notes": [*condition.notes, *self._fresh_notes()],
            "disk_free": condition.disk_free or disk.free,
            "disk_total": condition.disk_total or disk.total,
        }

    def _fresh_notes(self) -> list[Said]:
        since = steady() - SHOWN_FOR
        return [note.said for note in self.notes.values() if note.at > since]

    def leave(self) -> None:
        SchedulerProcess.objects.filter(name=self.name).delete()

    def _forget_the_dead(self) -> None:
        SchedulerProcess.objects.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
        here = SchedulerProcess.objects.filter(host=self.host).exclude(name=self.name)
        for process in here:
            if not _is_alive(process.pid):
                process.delete()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

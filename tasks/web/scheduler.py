"""What pages say about the scheduler: from its heartbeat, never from its process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Hold, SchedulerProcess
from tasks.services.status import low_disk, said_by
from tasks.services.stuck import is_write_locked, trouble
from tasks.web import when

SILENT_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class SchedulerState:
    state: str
    label: str
    seen: str
    seen_at: datetime | None
    hold: Hold | None = None
    disk_free: int | None = None
    disk_total: int | None = None
    notes: tuple[str, ...] = ()
    low_disk: str = ""
    trouble: str = ""
    processes: int = 0

    @property
    def is_up(self) -> bool:
        return self.state != "down"

    @property
    def disk_used_percent(self) -> int:
        if not self.disk_total or self.disk_free is None:
            return 0
        return round(100 * (1 - self.disk_free / self.disk_total))

    @property
    def places(self) -> int:
        return max(1, self.processes) * int(settings.SCHEDULER_MAX_WORKERS)


def scheduler_state(now: datetime | None = None) -> SchedulerState:
    now = now or timezone.now()
    processes = list(SchedulerProcess.objects.order_by("-seen_at"))
    alive = [process for process in processes if now - process.seen_at < SILENT_AFTER]
    hold = Hold.objects.in_force(now).first()
    newest = processes[0] if processes else None
    return SchedulerState(
        state="down" if not alive else "hold" if hold else "ok",
        label=_label(bool(alive), hold),
        seen=_seen(newest, now),
        seen_at=newest.seen_at if newest else None,
        hold=hold,
        disk_free=newest.disk_free if newest else None,
        disk_total=newest.disk_total if newest else None,
        notes=tuple(note for process in alive for note in said_by(process)),
        low_disk=next(filter(None, map(low_disk, alive)), ""),
        trouble=_trouble(newest) if not alive else "",
        processes=len(alive),
    )


def _label(alive: bool, hold: Hold | None) -> str:
    if not alive:
        return _("Scheduler stopped")
    return _("Everything on hold") if hold else _("Scheduler running")


def _trouble(newest: SchedulerProcess | None) -> str:
    return "" if newest is None else trouble(locked=is_write_locked())


def _seen(process: SchedulerProcess | None, now: datetime) -> str:
    if process is None:
        return _("Ended, or never started")
    ago = (now - process.seen_at).total_seconds()
    return _("last seen %(time)s ago") % {"time": when.coarse(max(0.0, ago))}

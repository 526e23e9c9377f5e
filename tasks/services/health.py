"""Whether everything works, for load balancers, monitors and `manage.py tasks health`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from tasks.models import Run, SchedulerProcess
from tasks.services.alerts import outbox
from tasks.services.disk import LEAST_FREE_BYTES, disk_usage
from tasks.services.status import STALE_AFTER
from tasks.services.stuck import is_write_locked, trouble
from tasks.services.watch import never_running

# With nothing running at all, a run that waits longer than this waits for nobody.
STUCK_AFTER = timedelta(minutes=5)

Check = dict[str, Any]


def get_health() -> dict[str, Any]:
    """`healthy`, and one check each for the database, the scheduler, the queue and the disk."""
    try:
        checks = {"database": {"ok": True}, "scheduler": _scheduler(), "queue": _queue()}
        # Told, but no reason for a monitor to restart anything.
        checks["schedules"] = {"ok": True, "never_running": len(never_running())}
        checks["alerts"] = {"ok": True, **outbox()}
        if not checks["scheduler"]["ok"]:
            checks |= _stuck(checks["scheduler"])
    except DatabaseError:
        checks = {"database": {"ok": False}}
    checks["disk"] = _disk()
    return {"healthy": all(check["ok"] for check in checks.values()), "checks": checks}


def _scheduler() -> Check:
    newest = SchedulerProcess.objects.order_by("-seen_at").first()
    if newest is None:
        return {"ok": False, "seen_at": None, "leader": None}
    since = timezone.now() - STALE_AFTER
    leader = SchedulerProcess.objects.filter(is_leader=True, seen_at__gte=since).first()
    return {
        "ok": leader is not None,
        "seen_at": newest.seen_at.isoformat(),
        "leader": leader.name if leader else None,
    }


def _stuck(scheduler: Check) -> dict[str, Check]:
    """What keeps it from its heartbeat, where that can be seen."""
    locked = is_write_locked()
    reason = trouble(locked=locked)
    checks = {"scheduler": {**scheduler, "reason": reason} if reason else scheduler}
    if locked:
        checks["database"] = {"ok": False, "locked": True}
    return checks


def _queue() -> Check:
    now = timezone.now()
    due = Run.objects.waiting().filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
    oldest = due.order_by("queued_at").values_list("queued_at", flat=True).first()
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    running = Run.objects.filter(status__in=[Run.Status.STARTING, Run.Status.RUNNING])
    stuck = age > STUCK_AFTER.total_seconds() and not running.exists()
    return {"ok": not stuck, "waiting": due.count(), "oldest_seconds": round(age, 1)}


def _disk() -> Check:
    try:
        usage = disk_usage()
    except OSError:
        return {"ok": False, "free_bytes": None, "total_bytes": None}
    return {
        "ok": usage.free >= LEAST_FREE_BYTES,
        "free_bytes": usage.free,
        "total_bytes": usage.total,
    }

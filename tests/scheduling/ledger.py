"""The check after every fault: no gap, no duplicate, one start per run, none left hanging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from tasks.models import Run, Schedule, SchedulerLease, SchedulerProcess
from tests.scheduling.helpers import make_schedule

SECOND = timedelta(seconds=1)


def every_second(task_id: str = "prices", **task: object) -> Schedule:
    now = timezone.now().replace(microsecond=0)
    return make_schedule(
        task_id, kind="interval", seconds=1, anchor=now, watermark=now,
        task={"overlap_policy": "allow", "max_instances": 30_000, **task},
    )  # fmt: skip


def slots() -> list[datetime]:
    found: list[datetime] = []
    for first, until, count in Run.objects.values_list("scheduled_for", "scheduled_until", "slots"):
        found += [first + n * SECOND for n in range(count)]
        assert until is None or found[-1] == until
    return sorted(found)


def check(schedule: Schedule) -> None:
    """No gap and no duplicate from the first slot to the last."""
    found = slots()
    assert found[0] == schedule.anchor + SECOND
    assert found == [found[0] + n * SECOND for n in range(len(found))]


def check_starts(effects: Path) -> None:
    """Each run started once at most, and each that succeeded once."""
    starts = Counter(line.split()[0] for line in effects.read_text().splitlines())
    assert max(starts.values()) == 1
    succeeded = Run.objects.filter(status="succeeded").values_list("pk", flat=True)
    assert {str(pk) for pk in succeeded} <= set(starts)
    assert not Run.objects.active().exists()


def leader() -> int | None:
    lease = SchedulerLease.objects.filter(expires_at__gt=timezone.now()).first()
    row = SchedulerProcess.objects.filter(name=lease.holder).first() if lease else None
    return row.pid if row else None


def latest() -> datetime | None:
    return Run.objects.order_by("-queued_at").values_list("queued_at", flat=True).first()


def fires_after(moment: datetime) -> Callable[[], bool]:
    return lambda: (latest() or moment) > moment

"""The clock of the machine jumps under a real scheduler: libfaketime tells it another time."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Run, SchedulerProcess
from tasks.services.status import notes_of
from tests.scheduling.helpers import make_schedule
from tests.scheduling.ledger import SECOND, check, every_second
from tests.services_at_hand import require
from tests.waiting import wait_until


class Wall:
    """The wall clock as the scheduler sees it: this many seconds from the real one."""

    def __init__(self, file):
        self.file = file
        shown = subprocess.run(
            [require("faketime"), "-f", "+0", "printenv", "LD_PRELOAD"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        self.env = {
            "LD_PRELOAD": shown, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        self.set(0)

    def set(self, seconds: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+}\n")
        new.replace(self.file)


@pytest.fixture
def wall(tmp_path):
    return Wall(tmp_path / "wall")


def notes() -> str:
    return " ".join(note for row in SchedulerProcess.objects.all() for note in notes_of(row))


def ready(process) -> bool:
    return SchedulerProcess.objects.filter(pid=process.pid, is_leader=True).exists()


def test_an_hour_forward_fires_within_a_tick_and_is_told(start, wall):
    now = timezone.now()
    schedule = make_schedule(kind="once", run_at=now + timedelta(minutes=30), watermark=now)
    process = start(**wall.env)
    wait_until(lambda: ready(process), timeout=90)
    wall.set(3600)
    jumped = timezone.now()
    wait_until(Run.objects.exists, timeout=30)
    # A tick is a second; the rest is for a busy machine.
    assert timezone.now() - jumped < 5 * SECOND
    run = Run.objects.get()
    assert (run.status, run.scheduled_for) == ("queued", schedule.run_at)
    wait_until(lambda: "s forward" in notes())
    assert process.poll() is None


def test_half_a_minute_back_doubles_nothing_loses_nothing_and_is_told(start, wall):
    schedule = every_second()
    process = start(**wall.env)
    wait_until(lambda: Run.objects.count() >= 3, timeout=90)
    wall.set(-30)
    wait_until(lambda: "jumped 30 s back" in notes())
    settled = Run.objects.count()
    wall.set(10)
    wait_until(lambda: Run.objects.count() >= settled + 3, timeout=90)
    check(schedule)
    assert process.poll() is None

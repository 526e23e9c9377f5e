"""The whole scheduler, killed at the worst moments: real spiders tell how often they started."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tasks.models import Run, Schedule, SchedulerProcess
from tasks.runtime.machine import look_at
from tasks.services.health import get_health
from tests.scheduling.conftest import FAILING, SCHEDULER
from tests.scheduling.helpers import NOON, make_schedule, rows
from tests.scheduling.ledger import SECOND, check, check_starts, every_second, leader, slots
from tests.waiting import wait_until

# FAULTS_AT_LENGTH=1 kills for as long as somebody would who means it.
KILL_FOR = 120 if os.environ.get("FAULTS_AT_LENGTH") == "1" else 8


@pytest.fixture
def effects(tmp_path):
    return tmp_path / "effects"


def sleeper(effects, seconds: float) -> dict[str, object]:
    return {"spider": "sleeps", "arguments": {"effects": str(effects), "seconds": seconds}}


def due_once(effects) -> Schedule:
    moment = timezone.now()
    return make_schedule(
        kind="once", run_at=moment, watermark=moment - 5 * SECOND, task=sleeper(effects, 0.3)
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "left"),
    [
        ("before the ledger commits", []),
        ("after the claim", ["starting"]),
        ("after the start", ["starting"]),
    ],
)
def test_a_crash_loses_no_slot_and_starts_no_run_twice(start, effects, point, left):
    schedule = due_once(effects)
    process = start(*FAILING, BREAK_AT=point)
    assert process.wait(timeout=90) == -signal.SIGKILL
    assert [status for _, status, _ in rows(schedule)] == left
    start(*SCHEDULER)
    wait_until(lambda: Run.objects.filter(status="succeeded").exists(), timeout=90)
    assert len(rows(schedule)) == 1
    check_starts(effects)
    assert effects.read_text().count("\n") == 1


@pytest.mark.long
def test_a_leader_that_is_suspended_in_a_firing_is_named_and_what_was_due_comes_later(
    start, client, anna
):
    """SQLite's lock stays with it until somebody acts; PostgreSQL ends its transaction."""
    schedule = make_schedule(kind="once", run_at=timezone.now(), watermark=NOON)
    hung = start(*FAILING, BREAK_AT="in a firing", BREAK_BY="SIGSTOP")
    client.force_login(anna)
    wait_until(lambda: state_of(hung.pid) == "T", timeout=90)
    if connection.vendor == "sqlite":
        wait_until(lambda: not get_health()["checks"]["scheduler"]["ok"], timeout=60)
        checks = get_health()["checks"]
        assert checks["database"] == {"ok": False, "locked": True}
        assert f"kill -CONT {hung.pid}" in checks["scheduler"]["reason"]
        assert f"process {hung.pid} is suspended" in client.get("/admin/").content.decode()
        hung.kill()
    other = start()
    wait_until(Run.objects.exists, timeout=90)
    assert leader() == other.pid
    os.kill(hung.pid, signal.SIGCONT)
    wait_until(lambda: get_health()["checks"]["scheduler"]["ok"], timeout=30)
    assert "database" in get_health()["checks"]
    assert len(rows(schedule)) == 1


# Somebody's change of a task, in the middle of which it is suspended (a paused container, Ctrl-Z).
SUSPENDED_IN_A_CHANGE = """
import django, os, signal
django.setup()
from django.db import transaction
from tasks.models import Schedule
with transaction.atomic():
    Schedule.objects.select_for_update().get()
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.long
def test_whoever_is_suspended_in_a_change_holds_up_no_firing_for_long(start):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's lock stays until somebody acts, and the site says so")
    schedule = every_second()
    hung = start("-c", SUSPENDED_IN_A_CHANGE)
    wait_until(lambda: state_of(hung.pid) == "T", timeout=90)
    start()
    wait_until(Run.objects.exists, timeout=60)
    check(schedule)


def state_of(pid: int) -> str:
    sight = look_at(pid)
    return "T" if sight and sight.is_suspended else ""


@pytest.mark.long
def test_kills_every_few_seconds_leave_no_gap_and_start_no_run_twice(start, effects):
    schedule = every_second(**sleeper(effects, 0.1))
    until = time.monotonic() + KILL_FOR
    while time.monotonic() < until:
        process = start(*SCHEDULER)
        wait_until(lambda process=process: leader() == process.pid, timeout=90)
        moment = timezone.now() + timedelta(seconds=random.uniform(1, 3))
        wait_until(lambda moment=moment: timezone.now() > moment)
        process.kill()
        process.wait()
    last = start(*SCHEDULER)
    wait_until(lambda: leader() == last.pid, timeout=90)
    moment = timezone.now()
    wait_until(lambda: slots()[-1] > moment, timeout=60)
    Schedule.objects.update(enabled=False)
    wait_until(lambda: not Run.objects.active().exists(), timeout=120)
    check(schedule)
    check_starts(effects)
    last.send_signal(signal.SIGUSR1)
    assert last.wait(timeout=60) == 0
    assert not SchedulerProcess.objects.exists()

"""Real schedulers on one database, killed, stopped, and cut off in every way."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from tasks.models import Run, SchedulerLease, SchedulerProcess
from tasks.services.stuck import is_write_locked
from tests.scheduling.helpers import make_schedule, raw
from tests.scheduling.ledger import SECOND, check, every_second, fires_after, leader
from tests.waiting import wait_until


def test_one_fires_each_second_until_it_is_asked_to_stop(start):
    schedule = every_second()
    process = start()
    wait_until(lambda: Run.objects.count() >= 4, timeout=90)
    process.terminate()
    assert process.wait(timeout=10) == 0
    check(schedule)
    assert not SchedulerProcess.objects.exists()
    assert SchedulerLease.objects.get().holder == ""


def test_five_schedulers_leave_one_row_for_each_slot(start):
    schedule = every_second()
    for _ in range(5):
        start()
    wait_until(lambda: SchedulerProcess.objects.count() == 5, timeout=90)
    before = Run.objects.count()
    wait_until(lambda: Run.objects.count() >= before + 6, timeout=90)
    assert SchedulerProcess.objects.filter(is_leader=True).count() == 1
    check(schedule)


def test_kills_in_quick_succession_leave_no_gap_and_no_duplicate(start):
    schedule = every_second()
    running = [start(), start()]
    wait_until(leader, timeout=90)
    for _ in range(7):
        victim = random.randrange(2)
        moment = timezone.now()
        wait_until(lambda moment=moment: timezone.now() - moment > random.random() * SECOND)
        running[victim].kill()
        running[victim].wait()
        running[victim] = start()
    moment = timezone.now()
    wait_until(fires_after(moment), timeout=90)
    check(schedule)


@pytest.mark.parametrize(
    ("number", "limit"), [(signal.SIGKILL, 12), (signal.SIGSTOP, 12), (signal.SIGTERM, 2)]
)
@pytest.mark.long
def test_another_fires_soon_when_the_leader_goes(start, number, limit):
    schedule = every_second()
    processes = [start(), start()]
    wait_until(lambda: SchedulerProcess.objects.count() == 2 and leader(), timeout=90)
    pid = leader()
    started = time.monotonic()
    os.kill(pid, number)
    while number == signal.SIGSTOP and is_write_locked():
        # In the middle of a write SQLite's lock stays with it until somebody acts: test_crashes.
        os.kill(pid, signal.SIGCONT)
        wait_until(lambda: not is_write_locked(), timeout=30)
        os.kill(pid, number)
    wait_until(lambda: leader() not in {None, pid}, timeout=90, every=0.05)
    moment = timezone.now()
    wait_until(fires_after(moment), timeout=60)
    # The slots come once a second; the rest is for a busy machine.
    assert time.monotonic() - started < limit + 4
    if number == signal.SIGSTOP:
        os.kill(pid, signal.SIGCONT)
        moment = timezone.now() + 3 * SECOND
        wait_until(fires_after(moment), timeout=60)
        assert SchedulerLease.objects.get().epoch == 2
    check(schedule)
    assert len(processes) == 2


@pytest.mark.parametrize("change", ["edit", "add", "switch off"])
def test_a_change_made_by_another_process_is_picked_up_within_two_seconds(start, change):
    schedule = make_schedule(cron="0 0 1 1 *", watermark=timezone.now())
    start()
    wait_until(leader, timeout=90)
    changed = time.monotonic()
    if change == "edit":
        raw("UPDATE tasks_schedule SET kind = 'interval', seconds = 1, cron = ''")
        wait_until(Run.objects.exists, timeout=10)
    elif change == "add":
        every_second("new")
        wait_until(Run.objects.exists, timeout=10)
    else:
        raw("UPDATE tasks_schedule SET enabled = %s", False)
        wait_until(lambda: not jobs(), timeout=10)
    # Two seconds, and one until the first slot of the new schedule; the rest is for a busy machine.
    assert time.monotonic() - changed < 3 + 4
    assert schedule.pk


def jobs() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_apscheduler_djangojob")
        return bool(cursor.fetchone()[0])


@pytest.mark.long
def test_a_held_write_lock_makes_slots_late_but_loses_none(start):
    if connection.vendor != "sqlite":
        pytest.skip("this is about SQLite's one write lock")
    schedule = every_second()
    process = start()
    wait_until(Run.objects.exists, timeout=90)
    blocker = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    locked = time.monotonic()
    # Longer than the busy timeout of 20 s, so that wakeups fail too.
    wait_until(lambda: time.monotonic() - locked > 30, timeout=90, every=0.2)
    blocker.execute("ROLLBACK")
    blocker.close()
    moment = timezone.now()
    wait_until(fires_after(moment + 2 * SECOND), timeout=60)
    assert process.poll() is None
    check(schedule)


def test_a_database_that_drops_all_connections_is_used_again(start):
    if connection.vendor != "postgresql":
        pytest.skip("this is about a database server")
    schedule = every_second()
    process = start()
    wait_until(Run.objects.exists, timeout=90)
    for _ in range(3):
        raw(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        moment = timezone.now()
        wait_until(fires_after(moment), timeout=10)
    assert process.poll() is None
    check(schedule)


def test_a_row_that_is_deleted_while_it_fires_stops_nothing(start):
    every_second("gone")
    stays = every_second("stays")
    start()
    wait_until(lambda: Run.objects.count() > 2, timeout=90)
    stop = threading.Event()

    def churn() -> None:
        while not stop.wait(0.1):
            raw("DELETE FROM django_apscheduler_djangojob")
        connection.close()

    thread = threading.Thread(target=churn)
    thread.start()
    moment = timezone.now()
    try:
        wait_until(fires_after(moment + SECOND), timeout=90)
    finally:
        stop.set()
        thread.join()
    moment = timezone.now()
    wait_until(fires_after(moment + SECOND), timeout=90)
    found = sorted(Run.objects.filter(schedule=stays).values_list("scheduled_for", flat=True))
    assert len(found) == len(set(found))
    assert found[-1] - found[0] == (len(found) - 1) * SECOND

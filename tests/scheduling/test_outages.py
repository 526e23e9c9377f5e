"""The database server goes away in earnest: a PostgreSQL that the test stops and starts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.utils import load_backend
from django.utils import timezone
from django_apscheduler.models import DjangoJob

from tasks.execution.folder import run_folder
from tasks.models import Run, Schedule, SchedulerProcess
from tests.scheduling.cluster import Cluster
from tests.scheduling.conftest import SCHEDULER
from tests.scheduling.helpers import make_schedule
from tests.scheduling.ledger import (
    SECOND,
    check,
    check_starts,
    every_second,
    fires_after,
    leader,
    slots,
)
from tests.services_at_hand import require
from tests.waiting import wait_until

# FAULTS_AT_LENGTH=1 keeps the server away for ten minutes, against the catch-up of real life.
AT_LENGTH = os.environ.get("FAULTS_AT_LENGTH") == "1"


@pytest.fixture(scope="session")
def cluster(django_db_blocker) -> Iterator[Cluster]:
    cluster = Cluster(require("postgresql-server"))
    try:
        cluster.start()
        with django_db_blocker.unblock(), used_by_django(cluster):
            call_command("migrate", interactive=False, verbosity=0)
        yield cluster
    finally:
        cluster.remove()


class used_by_django:
    """Models, helpers and checks of this thread work on that server meanwhile."""

    def __init__(self, cluster: Cluster) -> None:
        self.settings = connections.configure_settings({"default": cluster.settings})["default"]

    def __enter__(self) -> None:
        self.before = connections["default"]
        backend = load_backend(self.settings["ENGINE"])
        connections["default"] = backend.DatabaseWrapper(self.settings, "default")

    def __exit__(self, *error: object) -> None:
        connections["default"].close()
        connections["default"] = self.before


@pytest.fixture
def process_env(cluster, data_dir, django_db_blocker):
    """As for every test of processes, but on the server that may go away."""
    if not cluster.is_up():
        cluster.start()
    with django_db_blocker.unblock(), used_by_django(cluster):
        call_command("flush", interactive=False, verbosity=0)
        yield {**os.environ, "DATA_DIR": str(data_dir), "DATABASE_URL": cluster.url}


def returns(cluster) -> float:
    """Starts the server again; since when it has answered."""
    cluster.start()
    connection.close()
    return time.monotonic()


def away_for(cluster, seconds: float) -> float:
    cluster.stop()
    gone = time.monotonic()
    wait_until(lambda: time.monotonic() - gone > seconds, timeout=seconds + 30, every=0.2)
    return returns(cluster)


def resumes(since: float) -> None:
    """Ten seconds are promised; the rest is for a busy machine."""
    wait_until(fires_after(timezone.now()), timeout=60)
    assert time.monotonic() - since < 10 + 4


def test_restarts_in_a_row_leave_no_gap_and_no_duplicate(start, cluster):
    schedule = every_second()
    process = start()
    wait_until(Run.objects.exists, timeout=90)
    for mode in ("fast", "immediate", "immediate"):
        cluster.stop(mode)
        resumes(returns(cluster))
    assert process.poll() is None
    check(schedule)


@pytest.mark.long
def test_twelve_seconds_without_a_database_are_made_up_for_by_the_newest_slot(start, cluster):
    schedule = every_second()
    process, other = start(), start()
    wait_until(lambda: SchedulerProcess.objects.count() == 2 and leader(), timeout=90)
    wait_until(Run.objects.exists, timeout=90)
    gone = timezone.now()
    resumes(away_for(cluster, 12))
    check(schedule)
    missed = Run.objects.filter(status="missed", scheduled_for__gt=gone)
    assert missed.count() >= 10
    assert {run.reason for run in missed} == {"database_down"}
    assert process.poll() is None
    assert other.poll() is None


@pytest.mark.long
def test_what_is_later_than_its_catch_up_allows_is_missed_and_says_why(start, cluster):
    """Ten minutes away, or the same in small: slots count as late after two seconds."""
    away, late = (600, "60") if AT_LENGTH else (15, "2")
    process = start(LATE_AFTER=late)
    wait_until(leader, timeout=90)
    moment = {"kind": "once", "run_at": timezone.now() + 8 * SECOND, "watermark": timezone.now()}
    patient = make_schedule("patient", **moment, task={"catch_up_window": 3600})
    strict = make_schedule("strict", **moment, task={"catch_up": "none"})
    wait_until(lambda: DjangoJob.objects.count() == 2)
    back = away_for(cluster, away)
    wait_until(lambda: Run.objects.count() == 2, timeout=60)
    assert time.monotonic() - back < 10 + 4
    assert Run.objects.get(schedule=patient).status == "queued"
    missed = Run.objects.get(schedule=strict)
    assert (missed.status, missed.reason) == ("missed", "database_down")
    assert missed.detail["since"] < missed.detail["until"]
    assert process.poll() is None


def test_a_run_that_ends_while_the_database_is_gone_is_saved_when_it_is_back(
    start, cluster, tmp_path
):
    effects = tmp_path / "effects"
    moment = timezone.now()
    make_schedule(
        kind="once", run_at=moment, watermark=moment - 5 * SECOND,
        task={"spider": "sleeps", "arguments": {"effects": str(effects), "seconds": 4}},
    )  # fmt: skip
    process = start(*SCHEDULER)
    wait_until(lambda: Run.objects.filter(status="running").exists(), timeout=90)
    run = Run.objects.get()
    cluster.stop()
    wait_until((run_folder(run) / "exit.json").exists, timeout=60)
    returns(cluster)
    wait_until(lambda: Run.objects.get().status == "succeeded", timeout=30)
    run.refresh_from_db()
    assert run.items == 2
    check_starts(effects)
    assert process.poll() is None


def test_a_server_that_is_gone_is_gone_for_the_test_too(cluster, process_env):
    """Or the tests above would prove nothing."""
    cluster.stop()
    with pytest.raises(DatabaseError):
        slots()
    returns(cluster)
    assert slots() == []
    assert not Schedule.objects.exists()

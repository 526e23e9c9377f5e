"""The other job stores of APScheduler: the tables stay the truth, whatever keeps the times."""

from __future__ import annotations

import os
import uuid

import mongomock
import pytest
from apscheduler.jobstores import mongodb
from apscheduler.jobstores.memory import MemoryJobStore
from django.utils import timezone

from tasks.models import Run, Schedule
from tasks.scheduling.agenda import StoreUnavailable, build_store
from tasks.scheduling.host import Clock
from tasks.scheduling.jobstore import ScheduleJobStore
from tasks.services import get_scheduler_status
from tests.scheduling.helpers import HOUR, NOON, make_schedule, rows

# Debian has no package of the server: without one an imitation of its client takes its place.
MONGODB_URL = os.environ.get("TEST_MONGODB_URL", "")

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["memory", "sqlalchemy", "redis", "mongodb"])
def other_store(request, tmp_path, monkeypatch):
    name, url = request.param, ""
    if name == "sqlalchemy":
        url = f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
    elif name == "redis":
        url = request.getfixturevalue("redis_url").rsplit("/", 1)[0] + "/13"
    elif name == "mongodb":
        if not MONGODB_URL:
            monkeypatch.setattr(mongodb, "MongoClient", mongomock.MongoClient)
        url = f"{MONGODB_URL or 'mongodb://imitated/'}spider_scheduler_{uuid.uuid4().hex}"
    store = build_store(name, url)
    if name == "redis":
        store.jobs_key = f"jobs-{uuid.uuid4().hex}"
        store.run_times_key = f"times-{uuid.uuid4().hex}"
    yield store
    store.remove_all_jobs()
    store.shutdown()


@pytest.fixture
def clock(other_store, watch):
    clock = Clock(store=other_store)
    clock.keeper.clock = watch
    clock.start_without_loop()
    yield clock
    clock._event.close()


def test_a_schedule_fires_once_from_any_store(clock, watch):
    schedule = make_schedule()
    clock.keeper.tick()
    watch.now = NOON + HOUR
    clock.keeper.tick()
    clock.keeper.tick()
    assert rows(schedule) == [(NOON + HOUR, "queued", "")]
    assert clock.keeper.agenda.count() == 1
    assert clock.keeper.agenda.first() == NOON + 2 * HOUR


def test_the_jobs_of_any_store_are_counted_in_the_status(clock, watch, settings, other_store):
    """By the leader's word while there is one, by the schedules when there is none."""
    settings.SCHEDULER_JOB_STORE = "memory"
    make_schedule()
    make_schedule("off", enabled=False)
    make_schedule("once", kind="once", run_at=timezone.now() + 99 * HOUR)
    assert get_scheduler_status()["pending_jobs"] == 2
    clock.keeper.tick()
    told(clock)
    Schedule.objects.update(enabled=False)  # the leader has not looked yet
    assert get_scheduler_status()["pending_jobs"] == 2 == len(other_store.get_all_jobs())
    clock.keeper.reconciler.poll(force=True)
    told(clock)
    assert get_scheduler_status()["pending_jobs"] == 0 == len(other_store.get_all_jobs())
    Schedule.objects.update(enabled=True)
    clock.keeper.stop()
    assert get_scheduler_status()["pending_jobs"] == 3


def told(clock) -> None:
    clock.keeper.presence.note("clock_back", n=1)  # so that a heartbeat is due
    clock.keeper.tick()


def test_edits_and_ends_reach_any_store(clock, watch):
    schedule, once = make_schedule(), make_schedule("once", kind="once", run_at=NOON + HOUR)
    clock.keeper.tick()
    Schedule.objects.filter(pk=schedule.pk).update(enabled=False)
    clock.keeper.reconciler.poll(force=True)
    assert clock.keeper.agenda.stored() == {once.pk}
    watch.now = NOON + HOUR
    clock.keeper.tick()
    assert clock.keeper.agenda.stored() == set()
    assert Run.objects.count() == 1


def test_a_crash_after_the_ledger_and_before_the_store_doubles_nothing(clock, watch):
    schedule = make_schedule()
    clock.keeper.tick()
    watch.now = NOON + HOUR
    advance, clock.keeper.agenda.advance = clock.keeper.agenda.advance, _crash
    with pytest.raises(KeyboardInterrupt):
        clock.keeper.tick()
    clock.keeper.agenda.advance = advance
    clock.keeper.tick()
    assert len(rows(schedule)) == 1
    assert clock.keeper.agenda.count() == 1
    assert clock.keeper.agenda.first() == NOON + 2 * HOUR


def _crash(due: object) -> None:
    raise KeyboardInterrupt


def test_a_store_that_lost_everything_is_filled_again(clock):
    schedule = make_schedule()
    clock.keeper.tick()
    clock.store.remove_all_jobs()
    clock.keeper.reconciler.resync()
    assert clock.keeper.agenda.times() == {schedule.pk: NOON + HOUR}


def test_the_settings_choose_the_store(settings):
    assert isinstance(build_store(), ScheduleJobStore)
    settings.SCHEDULER_JOB_STORE = "memory"
    assert isinstance(build_store(), MemoryJobStore)


@pytest.mark.parametrize("name", ["sqlalchemy", "mongodb", "redis"])
def test_a_store_without_an_address_is_refused_with_the_remedy(name):
    with pytest.raises(StoreUnavailable, match="SCHEDULER_JOB_STORE_URL"):
        build_store(name, "")

from __future__ import annotations

import pickle

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.models import DjangoJob

from tasks.models import Run
from tasks.scheduling.jobs import ScheduleTrigger, fire_schedule, state_of
from tests.scheduling.helpers import HOUR, MINUTE, NOON, fire_at, make_schedule

pytestmark = pytest.mark.django_db


def test_a_stored_job_holds_the_schedules_id_and_nothing_else(store):
    schedule = make_schedule(task={"arguments": {"word": "needle"}})
    store.put({schedule.pk: NOON})
    state = bytes(DjangoJob.objects.get().job_state)
    loaded = pickle.loads(state)
    assert loaded["args"] == (schedule.pk,)
    assert loaded["func"] == "tasks.scheduling.jobs:fire_schedule"
    assert loaded["misfire_grace_time"] is None
    assert b"needle" not in state
    assert b"shop" not in state


@pytest.mark.parametrize("state", [b"", b"\x80\x05garbage", pickle.dumps({"version": 9})])
def test_a_row_that_can_not_be_loaded_fires_and_is_rebuilt(store, state):
    schedule = make_schedule()
    store.put({schedule.pk: NOON + HOUR})
    DjangoJob.objects.update(job_state=state)
    assert store.due(NOON + HOUR) == [schedule.pk]
    row = DjangoJob.objects.get()
    assert bytes(row.job_state) == state_of(schedule.pk)
    assert row.next_run_time == NOON + HOUR


def test_rows_of_others_are_neither_fired_nor_touched(store):
    DjangoJob.objects.create(id="theirs", next_run_time=NOON, job_state=b"x")
    DjangoJob.objects.create(id="schedule-x1", next_run_time=NOON, job_state=b"x")
    assert store.due(NOON) == []
    assert store.count() == 1  # by its name one might be ours
    assert store.times() == {}
    assert bytes(DjangoJob.objects.get(id="theirs").job_state) == b"x"


def test_due_jobs_come_by_time_and_the_paused_never(store):
    store.put({1: NOON + MINUTE, 2: NOON, 3: None, 4: NOON + HOUR})
    assert store.due(NOON + MINUTE) == [2, 1]
    assert (store.count(), store.first()) == (3, NOON)


def test_apscheduler_can_read_the_store(store):
    schedule = make_schedule()
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(store)
    scheduler.start(paused=True)
    try:
        store.put({schedule.pk: NOON + HOUR})
        job = scheduler.get_job(f"schedule-{schedule.pk}")
        assert job.next_run_time == NOON + HOUR
        assert [each.id for each in scheduler.get_jobs()] == [job.id]
        assert [each.id for each in store.get_due_jobs(NOON + HOUR)] == [job.id]
        assert scheduler.get_job("schedule-0") is None
    finally:
        scheduler.shutdown(wait=False)


def test_the_function_of_a_job_settles_what_is_due_and_is_harmless_twice():
    schedule = make_schedule()
    fire_schedule(schedule.pk)
    first = Run.objects.count()
    assert first > 0
    fire_schedule(schedule.pk)
    assert Run.objects.count() == first
    fire_schedule(987_654)


def test_the_trigger_jumps_over_a_long_outage():
    schedule = make_schedule(cron="* * * * *")
    trigger = pickle.loads(pickle.dumps(ScheduleTrigger(schedule.pk)))
    year_later = NOON + 365 * 24 * HOUR
    assert trigger.get_next_fire_time(NOON, year_later) == year_later + MINUTE
    assert trigger.get_next_fire_time(None, NOON) == NOON + MINUTE
    assert str(trigger) == f"schedule[{schedule.pk}]"
    assert ScheduleTrigger(987_654).get_next_fire_time(None, NOON) is None


def test_advancing_is_one_statement(store, django_assert_num_queries):
    schedules = [make_schedule(f"task-{n}") for n in range(40)]
    store.put({each.pk: NOON for each in schedules})
    with django_assert_num_queries(1):
        store.advance({each.pk: NOON + HOUR for each in schedules})
    assert (store.count(), store.first()) == (40, NOON + HOUR)
    assert fire_at(NOON, *schedules).runs == []

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from tasks import services
from tasks.models import Run, Schedule, Task
from tasks.scheduling import reconcile
from tasks.scheduling.jobstore import ScheduleJobStore
from tasks.scheduling.reconcile import Reconciler
from tests.scheduling.helpers import HOUR, NOON, make_schedule, raw

pytestmark = pytest.mark.django_db


@pytest.fixture
def reconciler(store: ScheduleJobStore) -> Reconciler:
    return Reconciler(store)


def stored() -> dict[str, object]:
    return dict(DjangoJob.objects.values_list("id", "next_run_time"))


def test_at_first_the_store_is_made_equal_to_the_tables(reconciler):
    schedule = make_schedule()
    off = make_schedule("off", enabled=False)
    follower = make_schedule("after", kind="after", after_task=schedule.task)
    DjangoJob.objects.create(id="schedule-99999", next_run_time=NOON, job_state=b"gone")
    DjangoJob.objects.create(id="somebody-elses", next_run_time=NOON, job_state=b"x")
    reconciler.poll()
    assert stored() == {f"schedule-{schedule.pk}": NOON + HOUR, "somebody-elses": NOON}
    assert {off.pk, follower.pk} & set(reconciler.rows) == {off.pk, follower.pk}


def test_an_overdue_firing_survives_a_restart(reconciler):
    schedule = make_schedule(watermark=NOON - 3 * HOUR)
    reconciler.poll()
    assert stored() == {f"schedule-{schedule.pk}": NOON - 2 * HOUR}
    assert reconciler.agenda.due(NOON) == [schedule.pk]


def test_a_restart_does_not_move_an_interval(reconciler):
    anchor = NOON - timedelta(minutes=7)
    schedule = make_schedule(kind="interval", minutes=20, anchor=anchor)
    reconciler.poll()
    DjangoJob.objects.all().delete()
    again = Reconciler(ScheduleJobStore())
    again.poll()
    assert stored() == {f"schedule-{schedule.pk}": anchor + timedelta(minutes=20)}


EDITS = {
    "queryset update": lambda each: Schedule.objects.update(cron="30 * * * *"),
    "raw SQL": lambda each: raw("UPDATE tasks_schedule SET cron = '30 * * * *'"),
    "save": lambda each: Schedule(
        **{f.attname: getattr(each, f.attname) for f in each._meta.concrete_fields}
        | {"cron": "30 * * * *"}
    ).save(),
    "service": lambda each: services.update_task(
        task_id=each.task.task_id, schedules=[{"key": "main", "kind": "cron", "cron": "30 * * * *"}]
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_by_any_way_starts_the_schedule_over_from_now(reconciler, edit):
    schedule = make_schedule()
    reconciler.poll()
    before = timezone.now()
    EDITS[edit](schedule)
    assert reconciler.poll(force=True) == 1
    schedule.refresh_from_db()
    assert schedule.watermark >= before.replace(microsecond=0)
    next_run = stored()[f"schedule-{schedule.pk}"]
    assert next_run > before
    assert next_run.minute == 30


def test_a_fixture_is_read(reconciler, tmp_path):
    make_schedule()
    file = tmp_path / "more.json"
    call_command(
        "dumpdata",
        "tasks.task",
        "tasks.schedule",
        "--natural-primary",
        "--natural-foreign",
        output=str(file),
    )
    Task.objects.all().delete()
    reconciler.poll()
    call_command("loaddata", str(file), verbosity=0)
    reconciler.poll(force=True)
    assert list(stored()) == [f"schedule-{Schedule.objects.get().pk}"]


def test_a_row_that_never_met_a_scheduler_owes_nothing_for_the_time_before(reconciler):
    schedule = make_schedule(watermark=None)
    Schedule.objects.update(timing_hash="")
    reconciler.poll()
    schedule.refresh_from_db()
    assert timezone.now() - schedule.watermark < timedelta(minutes=1)
    assert stored()[f"schedule-{schedule.pk}"] > timezone.now()


@pytest.mark.parametrize("model", [Task, Schedule])
def test_off_stops_it_and_on_again_fires_nothing_for_the_time_between(reconciler, model):
    schedule = make_schedule()
    reconciler.poll()
    model.objects.update(enabled=False)
    reconciler.poll(force=True)
    assert stored() == {}
    model.objects.update(enabled=True)
    reconciler.poll(force=True)
    assert stored()[f"schedule-{schedule.pk}"] > timezone.now()
    assert not Run.objects.exists()


def test_off_and_on_by_the_services_while_no_scheduler_runs_fires_nothing(reconciler):
    schedule = make_schedule()
    services.disable_task(task_id="prices")
    services.enable_task(task_id="prices")
    reconciler.poll()
    assert stored()[f"schedule-{schedule.pk}"] > timezone.now()


def test_what_the_services_save_owes_from_that_moment(reconciler):
    services.create_task(
        task_id="x", name="X", kind="cleanup", schedules=[{"kind": "interval", "minutes": 5}]
    )
    Schedule.objects.update(anchor=timezone.now() - HOUR, watermark=timezone.now() - HOUR)
    Schedule.objects.all().delete()
    services.update_task(task_id="x", schedules=[{"kind": "interval", "minutes": 5}])
    schedule = Schedule.objects.get()
    assert schedule.watermark is not None
    assert schedule.timing_hash != ""


class Interrupted(ScheduleJobStore):
    """Somebody else saves something while the store is written."""

    def __init__(self, meanwhile):
        super().__init__()
        self.meanwhile = meanwhile

    def put(self, due):
        super().put(due)
        if self.meanwhile:
            elsewhere(self.meanwhile.pop())


def elsewhere(edit):
    """By a connection of its own, as another process does."""

    def work():
        edit()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.mark.django_db(transaction=True)
def test_an_edit_that_comes_while_another_is_read_is_read_next():
    one, two = make_schedule("one"), make_schedule("two")
    meanwhile = []
    reconciler = Reconciler(Interrupted(meanwhile))
    reconciler.poll()
    meanwhile.append(lambda: Schedule.objects.filter(pk=two.pk).update(cron="45 * * * *"))
    elsewhere(lambda: Schedule.objects.filter(pk=one.pk).update(cron="30 * * * *"))
    reconciler.poll()
    reconciler.poll()
    assert {moment.minute for moment in stored().values()} == {30, 45}


def test_deleting_stops_it(reconciler):
    make_schedule()
    reconciler.poll()
    Task.objects.all().delete()
    assert reconciler.poll(force=True) == 1
    assert stored() == {}


def test_nothing_changed_means_nothing_is_written(reconciler, django_assert_num_queries):
    for n in range(30):
        make_schedule(f"task-{n}")
    reconciler.poll()
    with django_assert_num_queries(1):
        assert reconciler.poll() == 0


def test_a_row_that_can_not_be_read_is_left_out_and_the_others_go_on(reconciler, caplog):
    good = make_schedule()
    bad = make_schedule("bad")
    worse = make_schedule("worse")
    Schedule.objects.filter(pk=bad.pk).update(cron="every now and then")
    Schedule.objects.filter(pk=worse.pk).update(timezone="Mars/Base")
    reconciler.poll()
    assert list(stored()) == [f"schedule-{good.pk}"]
    assert "can't be read" in caplog.text
    assert {bad.pk, worse.pk} <= set(reconciler.rows)


def test_the_store_is_compared_as_a_whole_now_and_then(reconciler, monkeypatch):
    schedule = make_schedule()
    reconciler.poll()
    DjangoJob.objects.update(next_run_time=NOON + 9 * HOUR)
    assert reconciler.poll() == 0
    monkeypatch.setattr(reconcile, "FULL_EVERY", -1)
    assert reconciler.poll() == 1
    assert stored() == {f"schedule-{schedule.pk}": NOON + HOUR}


def test_no_execution_rows_are_ever_written(keeper, watch):
    make_schedule()
    watch.now = NOON + HOUR
    keeper.tick()
    assert Run.objects.count() == 1
    assert not DjangoJobExecution.objects.exists()

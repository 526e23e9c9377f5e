from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from tasks.models import TERMINAL, TRANSITIONS, AuditEntry, Run, Task
from tasks.services import cancel_run, create_task, run_again, run_task_now, runs, update_task
from tasks.services.actors import person
from tasks.services.errors import Conflict, Forbidden, InvalidInput
from tasks.services.moves import ImpossibleMove, move
from tasks.services.runs import new_run
from tasks.services.settling import finish_run

from .conftest import ARGUMENTS

pytestmark = pytest.mark.django_db
STATUSES = [status.value for status in Run.Status]


def a_run(task: Task, status: str = "queued", **fields) -> Run:
    run = new_run(task, trigger="manual", status=status, **fields)
    run.save()
    return run


@pytest.mark.parametrize(("source", "target"), list(itertools.product(STATUSES, STATUSES)))
def test_only_the_moves_of_the_table_exist(shop, source, target):
    run = a_run(shop, source)
    if target in TRANSITIONS.get(source, ()):
        assert move(run.pk, source=source, target=target)
        run.refresh_from_db()
        assert run.status == target
    else:
        with pytest.raises(ImpossibleMove):
            move(run.pk, source=source, target=target)


def test_no_terminal_status_has_a_move():
    assert not set(TERMINAL) & set(TRANSITIONS)


def test_the_second_mover_is_told_that_it_was_too_late(shop):
    run = a_run(shop)
    assert move(run.pk, source="queued", target="starting", claim_token="a")
    assert not move(run.pk, source="queued", target="starting", claim_token="b")


def test_another_claim_cannot_move_it(shop):
    run = a_run(shop, "starting", claim_token="mine")
    assert not move(run.pk, source="starting", target="running", token="theirs")
    assert move(run.pk, source="starting", target="running", token="mine")


def test_a_retry_that_waits_for_its_time_keeps_nobody_from_running_now(shop):
    ended = a_run(shop, "failed")
    later = run_again(run_id=ended.pk, wait=timedelta(hours=1))
    with pytest.raises(Conflict) as refusal:  # pressed twice
        run_again(run_id=ended.pk, wait=timedelta(hours=1))
    assert refusal.value.run_id == str(later.pk)
    assert run_task_now(task_id="shop").status == "queued"
    with pytest.raises(Conflict):
        run_again(run_id=ended.pk)


def test_run_now_queues_what_the_task_says(shop):
    run = run_task_now(task_id="shop")
    assert (run.status, run.trigger, run.arguments) == ("queued", "manual", ARGUMENTS)
    assert (run.task_key, run.task_name, run.spider) == ("shop", "Shop prices", "shop")


def test_run_now_is_refused_with_the_run_in_the_way(shop):
    first = run_task_now(task_id="shop")
    with pytest.raises(Conflict) as refusal:
        run_task_now(task_id="shop")
    assert refusal.value.run_id == str(first.pk)


def test_of_waiting_runs_there_is_at_most_one(shop):
    update_task(task_id="shop", overlap_policy="queue")
    a_run(shop, "running")
    run_task_now(task_id="shop")
    with pytest.raises(Conflict):
        run_task_now(task_id="shop")


def test_side_by_side_stops_at_its_number(shop):
    update_task(task_id="shop", overlap_policy="allow", max_instances=2)
    run_task_now(task_id="shop")
    run_task_now(task_id="shop")
    with pytest.raises(Conflict):
        run_task_now(task_id="shop")


def test_the_old_run_is_asked_to_stop_where_the_task_says_so(shop):
    update_task(task_id="shop", overlap_policy="cancel_running")
    old = a_run(shop, "running")
    run_task_now(task_id="shop")
    old.refresh_from_db()
    assert old.is_stopping


def test_other_arguments_are_checked_like_the_tasks_own(shop):
    with pytest.raises(InvalidInput):
        run_task_now(task_id="shop", arguments={"start_urls": []})
    run = run_task_now(task_id="shop", arguments={**ARGUMENTS, "max_pages": "2"})
    assert run.arguments["max_pages"] == 2


def test_a_waiting_run_is_stopped_at_once(shop):
    run = cancel_run(run_id=run_task_now(task_id="shop").pk)
    assert (run.status, run.reason) == ("cancelled", "cancelled")
    assert run.cancel_requested_by == "python"


def test_a_running_run_is_asked_once(shop):
    run = a_run(shop, "running")
    first = cancel_run(run_id=run.pk)
    assert first.status == "running"
    assert first.is_stopping
    assert cancel_run(run_id=run.pk).cancel_requested_at == first.cancel_requested_at


@pytest.mark.django_db(transaction=True)
def test_a_supervisor_that_is_woken_finds_the_wish(shop, monkeypatch):
    run, found = a_run(shop, "running"), []
    wishes = Run.objects.filter(cancel_requested_at__isnull=False)
    monkeypatch.setattr(runs, "wake_supervisors", lambda: found.append(wishes.count()))
    cancel_run(run_id=run.pk)
    assert found == [1]


def test_an_ended_run_cannot_be_stopped(shop):
    with pytest.raises(Conflict):
        cancel_run(run_id=a_run(shop, "succeeded").pk)


@pytest.mark.parametrize("name", ["", "x", "../../etc", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_run_is_refused(db, name):
    with pytest.raises(InvalidInput):
        cancel_run(run_id=name)


def test_run_again_takes_the_arguments_of_then(shop):
    old = a_run(shop, "failed", arguments={"start_urls": ["https://old.example"]})
    new = run_again(run_id=old.pk)
    assert new.arguments == {"start_urls": ["https://old.example"]}
    assert new.retry_of == old


def test_a_failed_run_is_tried_again_later_and_not_for_ever(shop):
    update_task(task_id="shop", max_retries=2, retry_delay=60)
    run = a_run(shop, "running")
    for attempt in (2, 3):
        assert finish_run(run_id=run.pk, source="running", status="failed", reason="unreachable")
        again = Run.objects.get(retry_of=run)
        assert (again.attempt, again.trigger, again.status) == (attempt, "retry", "queued")
        assert again.not_before > again.queued_at
        Run.objects.filter(pk=again.pk).update(status="running")
        run = again
    assert finish_run(run_id=run.pk, source="running", status="failed", reason="unreachable")
    assert not Run.objects.filter(retry_of=run).exists()


def test_a_bug_in_the_spider_is_not_tried_again(shop):
    update_task(task_id="shop", max_retries=2)
    run = a_run(shop, "running")
    finish_run(run_id=run.pk, source="running", status="failed", reason="spider_error")
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("after_on", "status", "follows"),
    [
        ("success", "succeeded", True),
        ("success", "suspicious", True),
        ("success", "failed", False),
        ("failure", "failed", True),
        ("failure", "succeeded", False),
        ("failure", "cancelled", False),
        ("either", "failed", True),
        ("either", "cancelled", True),
    ],
)
def test_a_follow_up_starts_as_its_schedule_says(shop, after_on, status, follows):
    create_task(
        task_id="report", name="Report", spider="shop", arguments=ARGUMENTS,
        schedules=[{"kind": "after", "after_task": "shop", "after_on": after_on, "delay": 60}],
    )  # fmt: skip
    run = a_run(shop, "running")
    finish_run(run_id=run.pk, source="running", status=status)
    found = list(Run.objects.filter(task__task_id="report"))
    assert len(found) == (1 if follows else 0)
    if follows:
        assert (found[0].trigger, found[0].upstream) == ("chain", run)


def test_settling_twice_follows_up_once(shop):
    create_task(
        task_id="report", name="Report", spider="shop", arguments=ARGUMENTS,
        schedules=[{"kind": "after", "after_task": "shop"}],
    )  # fmt: skip
    run = a_run(shop, "running")
    assert finish_run(run_id=run.pk, source="running", status="succeeded")
    assert not finish_run(run_id=run.pk, source="running", status="failed")
    assert Run.objects.filter(trigger="chain").count() == 1


def test_who_may_only_look_may_not_run(shop, django_user_model):
    viewer = django_user_model.objects.create_user("viktor")
    with pytest.raises(Forbidden):
        run_task_now(task_id="shop", actor=person(viewer, "admin"))
    assert not Run.objects.exists()
    assert not AuditEntry.objects.filter(action="run").exists()

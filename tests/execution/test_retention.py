from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.execution.folder import run_folder, runs_dir, state_folder
from tasks.execution.retention import Rules, clean_up, preview, remove_unwanted
from tasks.models import TERMINAL, Run, Task
from tasks.services import tasks as task_services
from tasks.services.runs import new_run

NOW = timezone.now()


@pytest.fixture
def task(db):
    return Task.objects.create(task_id="shoes", name="Shoes", spider="pages")


def past(task, days, status="succeeded", megabytes=0.0):
    at = NOW - timedelta(days=days)
    run = new_run(task, trigger="manual", status=status, at=at, finished_at=at)
    run.save(force_insert=True)
    folder = run_folder(run)
    folder.mkdir(parents=True)
    (folder / "items.jsonl").write_bytes(b"x" * int(megabytes * 1024 * 1024))
    return run


def going(**options):
    return {(each.run.pk, each.why) for each in preview(now=NOW, **options)}


def test_runs_past_their_age_go(task, settings):
    settings.RETENTION_DAYS = 30
    past(task, 1)
    old = past(task, 31)
    assert going() == {(old.pk, "age")}


def test_a_task_may_keep_its_runs_for_less_or_more_time(task, settings):
    settings.RETENTION_DAYS = 30
    past(task, 1)
    run = past(task, 10)
    Task.objects.update(keep_days=5)
    assert going() == {(run.pk, "age")}
    Task.objects.update(keep_days=100)
    assert going() == set()


def test_the_last_good_and_the_last_failed_run_always_stay(task):
    Task.objects.update(keep_days=1)
    kept = [past(task, 50, "failed"), past(task, 60, "succeeded")]
    gone = [past(task, 70, "failed"), past(task, 80, "suspicious"), past(task, 55, "cancelled")]
    assert {pk for pk, _why in going()} == {run.pk for run in gone}
    clean_up(preview(now=NOW))
    assert set(Run.objects.all()) == set(kept)


def test_a_run_that_needs_a_look_takes_no_good_runs_place(task):
    Task.objects.update(keep_days=1)
    past(task, 50, "suspicious")
    past(task, 60, "succeeded")
    gone = [past(task, 70, "suspicious"), past(task, 80, "succeeded")]
    assert {pk for pk, _why in going()} == {run.pk for run in gone}


def test_the_oldest_runs_over_the_number_go(task):
    runs = [past(task, days) for days in range(5)]
    Task.objects.update(keep_runs=2)
    assert going() == {(run.pk, "number") for run in runs[2:]}


def test_the_oldest_runs_over_the_size_go(task):
    runs = [past(task, days, megabytes=0.6) for days in range(4)]
    Task.objects.update(keep_megabytes=1)
    assert going() == {(run.pk, "size") for run in runs[1:]}


def test_limits_for_everything_count_across_tasks(task, settings):
    other = Task.objects.create(task_id="hats", name="Hats", spider="pages")
    past(task, 0)
    past(other, 1)
    third = past(task, 2)
    settings.RETENTION_RUNS = 2
    assert going() == {(third.pk, "number")}


def test_runs_that_are_not_over_are_never_touched(task):
    Task.objects.update(keep_days=1)
    for status in ("queued", "starting", "running"):
        past(task, 100, status)
    assert going() == set()


def test_other_rules_can_be_tried_before_they_are_set(task):
    past(task, 1)
    old = past(task, 5)
    assert going(task_id="shoes", rules=Rules(days=3)) == {(old.pk, "age")}
    assert Run.objects.count() == 2


def test_cleaning_up_removes_rows_and_folders(task):
    past(task, 1)
    old = past(task, 40, megabytes=1)
    removed = clean_up(preview(now=NOW))
    assert (removed.runs, removed.size >= 1024 * 1024) == (1, True)
    assert not run_folder(old).exists()
    assert not Run.objects.filter(pk=old.pk).exists()


def test_a_task_deleted_with_its_history_leaves_no_folder(task, django_capture_on_commit_callbacks):
    run = past(task, 1)
    with django_capture_on_commit_callbacks(execute=True):
        task_services.remove_task(task_id="shoes", keep_history=False)
    assert not run_folder(run).exists()
    assert not (runs_dir() / "shoes").exists()


def test_what_ran_when_its_task_was_deleted_with_its_history_goes_with_the_next_clean_up(
    task,
):
    queued, running, _ended = (past(task, 1) for _ in range(3))
    Run.objects.filter(pk=queued.pk).update(status="queued", finished_at=None)
    Run.objects.filter(pk=running.pk).update(status="running", finished_at=None)
    task_services.remove_task(task_id="shoes", keep_history=False)
    assert remove_unwanted() == 0
    assert Run.objects.get().pk == running.pk
    Run.objects.update(status="succeeded", finished_at=NOW)
    assert remove_unwanted() == 1
    assert not run_folder(running).exists()


def test_a_task_deleted_without_its_history_leaves_its_runs(
    task, django_capture_on_commit_callbacks
):
    run = past(task, 1)
    memory = state_folder("shoes")
    memory.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        task_services.remove_task(task_id="shoes", keep_history=True)
    assert not memory.exists(), "another task of this id would go on from it"
    assert run_folder(run).exists()
    assert Run.objects.get(pk=run.pk).task is None


def test_runs_of_deleted_tasks_age_too(task, settings):
    past(task, 1)
    old = past(task, 40)
    task_services.remove_task(task_id="shoes", keep_history=True)
    assert going() == {(old.pk, "age")}


def by_walking(rules_by_key, in_all, now):
    """The rules, said once more without care for time and memory."""
    runs = list(Run.objects.filter(status__in=TERMINAL).newest_first())
    safe = set()
    for key in {run.task_key for run in runs}:
        own = [run for run in runs if run.task_key == key]
        for ends in ({"succeeded"}, {"succeeded", "suspicious"}, {"failed"}):
            safe |= {next((run.pk for run in own if run.status in ends), None)}

    def over(runs, rules):
        kept, gone = [], []
        for run in runs:
            old = rules.days is not None and run.finished_at < now - timedelta(days=rules.days)
            many = rules.runs is not None and len(kept) >= rules.runs
            (gone if (old or many) and run.pk not in safe else kept).append(run)
        return kept, gone

    found, left = [], []
    for key, rules in rules_by_key.items():
        kept, gone = over([run for run in runs if run.task_key == key], rules)
        left, found = left + kept, found + gone
    newest_first = sorted(left, key=lambda run: (run.at, run.pk), reverse=True)
    return {run.pk for run in found + over(newest_first, in_all)[1]}


@pytest.mark.parametrize("in_all", [0, 7])
@pytest.mark.parametrize("few", [None, 3])
def test_a_quick_look_finds_what_a_look_at_every_run_finds(db, settings, few, in_all):
    settings.RETENTION_DAYS, settings.RETENTION_RUNS = 20, in_all
    dice = random.Random(5)
    tasks = [
        Task.objects.create(task_id="a", name="A", spider="pages", keep_days=5, keep_runs=few),
        Task.objects.create(task_id="b", name="B", spider="pages"),
        Task.objects.create(task_id="gone", name="Gone", spider="pages", keep_days=1),
    ]
    statuses = ["succeeded", "suspicious", "failed", "cancelled", "missed", "running"]
    for task in tasks:
        for _ in range(14):
            past(task, dice.randrange(40) + dice.random(), dice.choice(statuses))
    tasks[2].delete()
    rules = {"a": Rules(days=5, runs=few), "b": Rules(days=20), "gone": Rules(days=20)}
    expected = by_walking(rules, Rules(runs=in_all or None), NOW)
    assert {pk for pk, _why in going()} == expected
    assert expected


def test_runs_that_are_too_young_to_go_are_counted_and_not_read(task):
    past(task, 40)
    past(task, 39)
    with CaptureQueriesContext(connection) as captured:
        assert len(preview(now=NOW)) == 1
    few = len(captured)
    for _ in range(20):
        past(task, 1)
    with CaptureQueriesContext(connection) as captured:
        assert len(preview(now=NOW)) == 2
    assert len(captured) == few
    assert any("GROUP BY" in each["sql"] for each in captured)

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.execution.folder import run_folder, runs_dir
from tasks.execution.retention import Rules, clean_up, preview
from tasks.models import Run, Task
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


def test_a_task_deleted_without_its_history_leaves_its_runs(
    task, django_capture_on_commit_callbacks
):
    run = past(task, 1)
    with django_capture_on_commit_callbacks(execute=True):
        task_services.remove_task(task_id="shoes", keep_history=True)
    assert run_folder(run).exists()
    assert Run.objects.get(pk=run.pk).task is None


def test_runs_of_deleted_tasks_age_too(task, settings):
    past(task, 1)
    old = past(task, 40)
    task_services.remove_task(task_id="shoes", keep_history=True)
    assert going() == {(old.pk, "age")}

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Run, Task
from tasks.services.retention import MEGABYTE, remove_runs, runs_to_remove
from tasks.services.runs import new_run

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def shop():
    return Task.objects.create(task_id="shop", name="Shop", spider="vivbliss")


def run_of(task, days, status="cancelled"):
    run = new_run(task, trigger=Run.Trigger.MANUAL, status=status, at=NOW - timedelta(days=days))
    run.save(force_insert=True)
    return run


def removed(*, size=0, **options):
    found = runs_to_remove(size_of=lambda run: size, now=NOW, **options)
    return [((NOW - removal.run.at).days, removal.why) for removal in found]


def test_runs_go_after_the_days_of_their_task_or_of_the_site(shop, settings):
    settings.RETENTION_DAYS = 30
    for days in (1, 20, 31):
        run_of(shop, days)
    assert removed() == [(31, "age")]
    shop.keep_days = 10
    shop.save()
    assert removed() == [(20, "age"), (31, "age")]
    assert removed(days=25) == [(31, "age")]


def test_the_newest_runs_stay_when_there_are_too_many(shop):
    shop.keep_runs = 2
    shop.save()
    for days in (1, 2, 3, 4):
        run_of(shop, days)
    assert removed() == [(3, "count"), (4, "count")]


def test_the_newest_runs_stay_when_they_take_too_much_room(shop):
    shop.keep_megabytes = 5
    shop.save()
    for days in (1, 2, 3):
        run_of(shop, days)
    assert removed(size=2 * MEGABYTE) == [(3, "size")]


def test_the_last_good_and_the_last_failed_run_and_what_still_runs_always_stay(shop):
    for days, status in ((90, "succeeded"), (80, "failed"), (99, "succeeded"), (70, "running")):
        run_of(shop, days, status)
    run_of(shop, 95, "queued")
    assert removed() == [(99, "age")]


def test_the_history_of_a_deleted_task_goes_by_age(shop):
    run_of(shop, 5), run_of(shop, 50, "succeeded")
    Task.objects.all().delete()
    assert removed() == [(50, "age")]


def test_only_ended_runs_are_ever_removed(shop):
    ended, running = run_of(shop, 1), run_of(shop, 1, "running")
    assert remove_runs([ended, running]) == 1
    assert list(Run.objects.all()) == [running]

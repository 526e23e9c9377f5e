from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.models import AuditEntry, Run
from tasks.services.runs import new_run

pytestmark = pytest.mark.django_db


def past(task, days, status="cancelled", kilobytes=8):
    at = timezone.now() - timedelta(days=days)
    run = new_run(task, trigger="manual", status=status, at=at, finished_at=at)
    run.save(force_insert=True)
    run_folder(run).mkdir(parents=True)
    (run_folder(run) / "items.jsonl").write_bytes(b"x" * 1024 * kilobytes)
    return run


@pytest.fixture
def runs(shop):
    return [past(shop, 90, "succeeded"), past(shop, 50), past(shop, 3, kilobytes=16)]


def test_what_would_go_is_shown_with_the_reason_and_its_bytes_and_stays(tasks, shop, runs):
    answer = tasks("clean-up", "--json").json
    assert (answer["removed"], answer["bytes"]) == (False, 8192)
    [going] = answer["runs"]
    assert (going["run"], going["why"], going["bytes"]) == (str(runs[1].pk), "age", 8192)
    shown = tasks("clean-up", "shop").out
    assert str(runs[1].pk) in shown
    assert "too old" in shown
    assert "1 run would go: 8.0" in shown
    shop.keep_runs = 1
    shop.save()
    whys = {each["run"]: each["why"] for each in tasks("clean-up", "--json").json["runs"]}
    assert whys == {str(runs[1].pk): "age"}
    assert Run.objects.count() == 3


def test_other_days_can_be_tried_for_one_task(tasks, runs):
    assert len(tasks("clean-up", "shop", "--days", "2", "--json").json["runs"]) == 2
    assert tasks("clean-up", "--days", "100", "--json").json["runs"] == []
    assert tasks("clean-up", "nowhere").code == 1
    assert tasks("clean-up", "--days", "-1").err.startswith("Error: argument --days: must be")


def test_removing_takes_rows_and_folders_and_stands_in_the_audit(tasks, runs):
    assert "1 run is removed" in tasks("clean-up", "--remove").out
    assert [run_folder(run).exists() for run in runs] == [True, False, True]
    assert set(Run.objects.all()) == {runs[0], runs[2]}
    assert AuditEntry.objects.get(action="cleanup").changes["runs"] == [1, 0]

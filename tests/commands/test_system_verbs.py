from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tasks.models import Run, SchedulerProcess
from tasks.services import get_job_stats, run_task_now
from tasks.web.when import Clock

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 24, 12, tzinfo=UTC)


def test_preview_says_the_pattern_in_words_and_its_next_times(tasks):
    answer = tasks(
        "preview", "30 2 * * *", "--timezone", "Europe/Stockholm", "--after", "2026-03-28T12:00",
        "-n", "2", "--json",
    )  # fmt: skip
    assert answer.json == {
        "description": "Every day at 02:30",
        "next": ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
    }


def test_preview_explains_the_clock_change(tasks):
    answer = tasks(
        "preview", "30 2 * * *", "--timezone", "Europe/Stockholm", "--after", "2026-03-28T12:00"
    )
    assert "02:30 does not exist that night" in answer.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["0 25 * * *"], "cron: Hour must be 0 to 23; you wrote 25."),
        (["0 0 31 2 *"], "cron:"),
        (["@reboot"], "cron: @reboot"),
        (["0 6 * * *", "--timezone", "../../etc/passwd"], "timezone:"),
        (["0 6 * * *", "--after", "soon"], "after: Write a date and time"),
        (["0 6 * * *", "--after", "2026-02-30T10:00"], "after: Write a date and time"),
    ],
)
def test_a_preview_that_cannot_be_is_refused(tasks, words, sentence):
    answer = tasks("preview", *words)
    assert answer.code == 1
    assert answer.err.startswith(sentence)


def test_the_end_of_time_has_no_next_run(tasks):
    answer = tasks("preview", "30 2 * * *", "--after", "9999-12-31T23:59", "--json")
    assert answer.json["next"] == []


def test_status_says_how_runs_are_started_and_what_stands_still(tasks, scheduler):
    SchedulerProcess.objects.update(
        launcher="fresh", notes=["a module starts threads"], disk_free=5 * 1024**2
    )
    out = " ".join(tasks("status").out.split())
    assert "runs start in fresh processes (box:1)" in out
    assert "note a module starts threads" in out
    assert "note Nothing is started: only 5 MB are free on the disk." in out


def test_status_counts_tasks_and_runs(tasks, shop, scheduler):
    run_task_now(task_id="shop")
    state = tasks("status", "--json").json
    assert state["running"] is True
    assert (state["total_tasks"], state["enabled_tasks"], state["disabled_tasks"]) == (1, 1, 0)
    assert state["queued_runs"] == 1
    assert "box:1 *" in tasks("status").out


def test_status_without_a_scheduler_is_no_error(tasks):
    answer = tasks("status")
    assert answer.code == 0
    assert "not running" in answer.out


def test_spiders_show_which_arguments_must_be_given(tasks, shop_spider):
    shop_spider.schema["required"] = ["start_urls"]
    shop_spider.save()
    assert "start_urls*" in tasks("spiders").out
    assert tasks("spiders", "--json").json[0]["name"] == "shop"


def test_a_broken_spider_shows_its_error(tasks, shop_spider):
    shop_spider.error = "Traceback:\n  File x\nImportError: no module named y"
    shop_spider.save()
    assert "ImportError: no module named y" in tasks("spiders").out
    assert tasks("spiders", "--json").json[0]["usable"] is False


def test_healthy_needs_a_leading_scheduler(tasks, scheduler):
    assert tasks("health").code == 0
    SchedulerProcess.objects.update(is_leader=False)
    answer = tasks("health", "--json")
    assert (answer.code, answer.json["healthy"]) == (1, False)
    assert answer.json["checks"]["scheduler"]["ok"] is False
    SchedulerProcess.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
    assert "scheduler  not good" in tasks("health").out


def test_a_queue_that_nobody_takes_from_is_not_healthy(tasks, shop, scheduler):
    run_task_now(task_id="shop")
    Run.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    assert tasks("health", "--json").json["checks"]["queue"]["ok"] is False
    Run.objects.update(status="running")
    assert tasks("health").code == 0


def test_a_data_folder_that_is_gone_is_not_healthy(tasks, scheduler, data_dir):
    data_dir.rmdir()
    checks = tasks("health", "--json").json["checks"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["disk"]


def test_a_long_outage_is_counted_alike_at_every_door(tasks, shop, client, anna):
    """One row stands for its 1,470 oldest slots."""
    first, last = NOON, NOON + timedelta(minutes=1469)
    run = Run.objects.create(
        task=shop, task_key="shop", task_name="Shop", trigger="schedule", status="missed",
        reason="scheduler_down", at=first, scheduled_for=first, scheduled_until=last, slots=1470,
    )  # fmt: skip
    client.force_login(anna)
    shape = tasks("run", run.pk, "--json").json
    answer = client.get(f"/api/v1/runs/{run.pk}").json()
    for found in (shape, answer):
        moments = [found[name][:16] for name in ("scheduled_for", "scheduled_until")]
        assert (moments, found["slots"]) == (["2026-03-24T12:00", "2026-03-25T12:29"], 1470)
    span = "2026-03-24 12:00 UTC to 2026-03-25 12:29 UTC (1470 runs)"
    assert span in tasks("runs").out
    page = client.get(f"/admin/tasks/run/{run.pk}/").content.decode()
    listed = client.get("/admin/tasks/run/").content.decode()
    assert "Missed: 1,470 runs did not happen" in page
    assert "1,470 runs" in listed
    for text in (page, listed):
        assert Clock(timezone.now(), UTC).span(first, last) in text
    assert tasks("status", "--json").json["missed"] == get_job_stats()["jobs_missed"] == 1470
    assert client.get("/api/v1/status").json()["stats"]["jobs_missed"] == 1470

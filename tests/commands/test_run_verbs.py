from __future__ import annotations

import threading
import uuid
from io import StringIO

import pytest
from django.db import connection
from django.utils import timezone

from tasks.management.verbs import watching
from tasks.management.verbs.base import Refused
from tasks.management.verbs.terminal import Terminal
from tasks.models import Run, SchedulerProcess
from tasks.services import run_task_now
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def test_run_now_queues_one_run_and_warns_where_nobody_takes_it(tasks, shop):
    answer = tasks("run-now", "shop", "--json")
    run = Run.objects.get()
    assert answer.json["id"] == str(run.pk)
    assert answer.json["status"] == run.status == "queued"
    assert "No scheduler is running" in answer.err


def test_run_now_is_quiet_where_a_scheduler_is_up(tasks, shop, scheduler):
    answer = tasks("run-now", "shop", "--arg", "max_pages=1")
    assert answer.err == ""
    assert Run.objects.get().arguments == {"max_pages": 1}
    assert Run.objects.get().secrets.keys() == {"password"}


def test_run_now_reads_each_page_anew_where_told_so(tasks, shop):
    tasks("run-now", "shop", "--ignore-cache")
    assert Run.objects.get().ignore_cache


def test_run_now_names_the_run_in_the_way(tasks, shop, scheduler):
    first = run_task_now(task_id="shop")
    answer = tasks("run-now", "shop")
    assert answer.code == 1
    assert str(first.pk) in answer.err


def test_waiting_without_a_scheduler_is_refused_and_queues_nothing(tasks, shop):
    answer = tasks("run-now", "shop", "--wait")
    assert (answer.code, Run.objects.count()) == (1, 0)
    assert "manage.py runscheduler" in answer.err


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [("succeeded", "", 0), ("suspicious", "no_items", 1), ("failed", "spider_error", 1)],
)
def test_waiting_ends_with_the_run(tasks, shop, scheduler, status, reason, code):
    def finish() -> None:
        try:
            wait_until(Run.objects.exists)
            Run.objects.update(status="running", started_at=timezone.now())
            Run.objects.update(status=status, reason=reason, items=7, finished_at=timezone.now())
        finally:
            connection.close()

    worker = threading.Thread(target=finish)
    worker.start()
    answer = tasks("run-now", "shop", "--wait")
    worker.join()
    assert answer.code == code
    assert "7 items" in answer.out


def test_waiting_can_be_limited(tasks, shop, scheduler):
    answer = tasks("run-now", "shop", "--wait", "--timeout", "1")
    assert answer.code == 1
    assert "has not ended in 1 s" in answer.err


def test_waiting_ends_when_the_scheduler_goes_away(tasks, shop, scheduler, monkeypatch):
    monkeypatch.setattr(watching, "LEFT_ALONE", 0.1)
    run = run_task_now(task_id="shop")
    SchedulerProcess.objects.all().delete()
    quiet = Terminal(StringIO(), StringIO(), as_json=True, color=None)
    with pytest.raises(Refused, match="scheduler went away"):
        watching.wait_for_end(quiet, run, timeout=None)


def test_a_waiting_run_is_stopped_at_once(tasks, shop):
    run = run_task_now(task_id="shop")
    assert tasks("cancel", run.pk).out == f"Run {run.pk} is stopped.\n"
    answer = tasks("cancel", run.pk)
    assert (answer.code, answer.err) == (1, "This run has already ended.")


def test_a_running_run_is_asked_to_stop(tasks, shop):
    run = run_task_now(task_id="shop")
    Run.objects.update(status="running")
    assert tasks("cancel", run.pk).out == f"Run {run.pk} is asked to stop.\n"
    run.refresh_from_db()
    assert run.cancel_requested_at is not None


@pytest.mark.parametrize("words", ["nonsense", uuid.uuid4(), "../../etc"])
def test_a_run_that_is_not_there_is_refused(tasks, words):
    for verb in ("cancel", "run"):
        answer = tasks(verb, words)
        assert (answer.code, answer.err) == (1, "run: There is no such run.")


def test_the_sentence_about_a_run_has_its_figures(tasks, shop):
    run = run_task_now(task_id="shop")
    Run.objects.update(status="suspicious", reason="no_items", detail={}, pages=12)
    [shown] = tasks("runs", "--json").json
    assert shown["explanation"]["happened"] == "The spider read 12 pages and found no items."
    assert "The spider read 12 pages and found no items." in tasks("run", run.pk).out


def test_runs_are_listed_newest_first_and_narrowed(tasks, shop):
    first = run_task_now(task_id="shop")
    Run.objects.update(status="failed", reason="timeout", detail={"seconds": 60})
    second = run_task_now(task_id="shop")
    assert [each["id"] for each in tasks("runs", "--json").json] == [str(second.pk), str(first.pk)]
    assert len(tasks("runs", "shop", "--limit", "1", "--json").json) == 1
    failed = tasks("runs", "--status", "failed", "--json").json
    assert [each["id"] for each in failed] == [str(first.pk)]
    assert failed[0]["explanation"]["title"]
    assert str(first.pk) in tasks("runs").out
    assert tasks("runs", "--status", "missed").out == "No runs.\n"
    assert tasks("runs", "nosuch").code == 1


def test_one_run_says_what_happened(tasks, shop):
    run = run_task_now(task_id="shop")
    Run.objects.update(status="failed", reason="overlap")
    assert "The run before it was still going." in tasks("run", run.pk).out

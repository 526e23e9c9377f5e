from __future__ import annotations

import csv
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.execution.performing import services
from tasks.execution.processes import members
from tasks.execution.stopping import GRACE
from tasks.handlers import handler_of
from tasks.handlers.base import Job, JobFailed
from tasks.models import Run, Task
from tasks.services.runs import cancel_run, new_run
from tests.execution.conftest import Bench

STATUSES = ("succeeded", "failed", "succeeded", "cancelled")
CHAINS = Path(__file__).parent.parent / "projects" / "chains"


@pytest.fixture
def bench(process_env, settings, monkeypatch):
    for name in ("DATA_DIR", "DATABASE_URL"):
        monkeypatch.setenv(name, process_env[name])
    settings.SCRAPY_PROJECT_PATH = str(CHAINS)
    bench = Bench(None)
    yield bench
    bench.close()


def queue(bench, kind, **arguments):
    name = f"job-{Task.objects.count()}"
    task = Task.objects.create(task_id=name, name=name, kind=kind, arguments=arguments)
    run = new_run(task, trigger=Run.Trigger.MANUAL)
    run.save(force_insert=True)
    return run


def finished_run(task, items, *, at=None, status="succeeded", **fields):
    run = new_run(task, trigger=Run.Trigger.MANUAL)
    run.status, run.items = status, len(items)
    run.at = run.finished_at = at or timezone.now()
    for name, value in fields.items():
        setattr(run, name, value)
    run.save(force_insert=True)
    folder = run_folder(run)
    folder.mkdir(parents=True)
    lines = [json.dumps(item) + "\n" for item in items]
    (folder / "items.jsonl").write_text("".join(lines))
    return run


def perform(kind, folder, **arguments):
    """The job alone, without a process around it."""
    items = []
    job = Job(arguments=arguments, folder=folder, emit=items.append, services=services())
    handler_of(kind).perform(job)
    return items


@pytest.fixture
def shop(transactional_db):
    return Task.objects.create(task_id="shop", name="Shop", spider="vivbliss")


def steps(*names, **kwargs):
    return [{"class": f"shop.steps.{name}", "kwargs": kwargs.get(name, {})} for name in names]


def test_a_chain_hands_each_step_what_the_one_before_returned(bench):
    chain = steps("Load", "Double", "Stream", Load={"count": 4})
    run = bench.until_ended(queue(bench, "pipeline", chain=chain))
    assert (run.status, run.items) == ("succeeded", 4)
    assert bench.items(run) == [{"number": number} for number in (0, 2, 4, 6)]
    report = json.loads((run_folder(run) / "report.json").read_text())
    assert report["status"] == "succeeded"


def test_the_code_of_a_project_sees_nothing_of_our_database(bench):
    run = bench.until_ended(queue(bench, "pipeline", chain=steps("Load", "Total")))
    assert bench.items(run) == [{"total": 3}]
    assert os.environ["DATABASE_URL"]
    assert "loading no database" in bench.log(run)


def test_a_step_that_raises_fails_the_run_with_its_message(bench):
    run = bench.until_ended(queue(bench, "pipeline", chain=steps("Fails")))
    assert (run.status, run.reason) == ("failed", "spider_error")
    assert "the shelf is empty" in run.detail["message"]
    assert "Traceback" in bench.log(run)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("subprocess.Popen", "not a class of this project"),
        ("shop.steps.Popen", "no class Popen of its own"),
        ("django.core.management.ManagementUtility", "not a class of this project"),
        ("tasks.models.Run", "not a class of this project"),
        ("shop.steps.Idle", "none of the methods"),
        ("shop.nowhere.Load", "not a class of this project"),
    ],
)
def test_only_steps_of_the_project_itself_are_ever_run(bench, path, message):
    chain = [*steps("Load"), {"class": path, "kwargs": {"args": ["touch", "owned"]}}]
    run = bench.until_ended(queue(bench, "pipeline", chain=chain))
    assert (run.status, run.reason) == ("failed", "job_failed")
    assert message in run.detail["message"]
    assert "loading" not in bench.log(run)


def test_a_job_is_stopped_like_a_crawl(bench):
    run = bench.until_status(queue(bench, "pipeline", chain=steps("Sleeps")), "running")
    cancel_run(run_id=run.pk)
    assert bench.until_ended(run).status == "cancelled"


@pytest.fixture
def big_shop(shop):
    """With so much that every job on it takes a while."""
    now = timezone.now()
    item = json.dumps({"url": "u", "name": "Lamp", **{f"field{n}": n for n in range(20)}}) + "\n"
    for hours in (1, 2):
        run = finished_run(shop, [{}], at=now - timedelta(hours=hours))
        (run_folder(run) / "items.jsonl").write_text(item * 60_000)
    return shop


@pytest.fixture
def much_to_clean(big_shop):
    row = new_run(big_shop, trigger="manual", status="cancelled")
    row.at = row.finished_at = timezone.now() - timedelta(days=90)
    row.save(force_insert=True)
    for _ in range(14):
        double_cancelled_runs()


def double_cancelled_runs():
    """In the database: thousands of objects would take seconds."""
    names = ", ".join(field.column for field in Run._meta.concrete_fields if not field.primary_key)
    is_sqlite = connection.vendor == "sqlite"
    new_id = "lower(hex(randomblob(16)))" if is_sqlite else "gen_random_uuid()"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO tasks_run (id, {names})"
            f" SELECT {new_id}, {names} FROM tasks_run WHERE status = 'cancelled'"
        )


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("export", {"format": "xlsx"}),
        ("analysis", {}),
        ("cleanup", None),
        ("pipeline", None),
        ("search", None),
    ],
)
def test_every_kind_is_stopped_in_mid_work_and_nothing_of_it_is_left(
    request, bench, big_shop, kind, arguments
):
    if kind == "cleanup":
        request.getfixturevalue("much_to_clean")
    # The product's own: after less, a busy machine has it ended before it could say anything.
    bench.worker.supervisor.grace = GRACE
    given = {"cleanup": {}, "pipeline": {"chain": steps("SleepsLater")}, "search": {}}
    run = queue(bench, kind, **given.get(kind, {"task": "shop", **(arguments or {})}))
    bench.until_status(run, "running")
    folder = run_folder(run)
    begun = {
        "export": (folder / ".shop.xlsx").exists,
        "analysis": (folder / "progress.json").exists,
        "cleanup": lambda: bench.items(run),
        "pipeline": lambda: (folder / "progress.json").exists() and bench.items(run),
        "search": lambda: bench.items(run),
    }
    bench.drive(begun[kind])
    cancel_run(run_id=run.pk)
    bench.until_ended(run)
    assert (run.status, run.reason) == ("cancelled", "cancelled"), bench.log(run)
    assert members(run.pid, str(run.pk)) == []
    assert run.items == len(bench.items(run))
    assert ("Received SIGTERM" if kind == "search" else "Stopped") in bench.log(run)
    assert not list(folder.glob("*.xlsx"))
    if kind == "cleanup":
        removed = {item["run"] for item in bench.items(run)}
        assert not Run.objects.filter(pk__in=removed).exists()
        assert Run.objects.filter(status="cancelled", task=big_shop).exists()


def test_a_time_limit_ends_a_job(bench):
    run = bench.until_item(queue(bench, "pipeline", chain=steps("SleepsLater")))
    Task.objects.update(timeout=1)
    bench.until_ended(run)
    assert (run.status, run.reason, run.items) == ("failed", "timeout", 1)


def test_a_time_limit_ends_a_job_of_our_own(bench, much_to_clean):
    run = queue(bench, "cleanup")
    Task.objects.filter(kind="cleanup").update(timeout=1)
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "timeout")
    assert members(run.pid, str(run.pk)) == []


def test_a_step_that_leaves_with_an_error_is_no_success(bench):
    run = bench.until_ended(queue(bench, "pipeline", chain=steps("Leaves")))
    assert (run.status, run.reason) == ("failed", "spider_error")
    assert run.detail["message"] == "3"


def test_an_export_writes_the_newest_good_items_into_its_folder(bench, shop):
    now = timezone.now()
    finished_run(shop, [{"name": "old"}], at=now - timedelta(days=2))
    good = finished_run(shop, [{"name": "Lamp", "price": 5}, {"name": "=1+1"}])
    finished_run(shop, [{"name": "bad"}], status="failed")
    run = bench.until_ended(queue(bench, "export", task="shop", format="csv"))
    assert run.status == "succeeded"
    assert (run.items, bench.items(run)) == (2, bench.items(good))
    assert f"Wrote shop.csv (31 bytes): run {good.pk}" in bench.log(run)
    with (run_folder(run) / "shop.csv").open(encoding="utf-8-sig") as file:
        assert list(csv.reader(file)) == [["name", "price"], ["Lamp", "5"], ["'=1+1", ""]]


def test_an_export_without_a_good_run_says_so(bench, shop):
    run = bench.until_ended(queue(bench, "export", task="shop"))
    assert (run.status, run.reason) == ("failed", "job_failed")
    assert "has no run with items yet" in run.detail["message"]


def test_an_analysis_tells_what_changed_between_two_runs(shop, tmp_path):
    before = [{"url": "a", "name": "A", "price": 10}, {"url": "b", "name": "B", "price": 4}]
    after = [{"url": "a", "name": "A", "price": 12}, {"url": "c", "name": "C", "price": None}]
    finished_run(shop, before, at=timezone.now() - timedelta(hours=1))
    with pytest.raises(JobFailed, match="needs 2 runs with items; it has 1"):
        perform("analysis", tmp_path, task="shop")
    finished_run(shop, after)
    found = {
        item["finding"]: item
        for item in perform("analysis", tmp_path, task="shop", watch=["price"])
    }
    assert (found["count"]["before"], found["count"]["now"]) == (2, 2)
    assert (found["new"]["key"], found["gone"]["key"]) == ("c", "b")
    assert (found["changed"]["before"], found["changed"]["now"]) == (10, 12)
    assert found["changed"]["percent"] == 20.0
    assert (found["missing"]["field"], found["missing"]["filled_now"]) == ("price", 50)


def test_a_clean_up_removes_old_runs_with_their_folders_and_keeps_the_last_good_one(
    bench, shop, tmp_path
):
    now = timezone.now()
    runs = [
        finished_run(shop, [{"n": 1}], at=now - timedelta(days=days), status=status)
        for days, status in zip((50, 40, 39, 38), STATUSES, strict=True)
    ]
    preview = perform("cleanup", tmp_path, preview=True)
    assert {item["run"] for item in preview} == {str(runs[0].pk), str(runs[3].pk)}
    assert all(run_folder(run).exists() for run in runs)
    run = bench.until_ended(queue(bench, "cleanup"))
    assert run.status == "succeeded"
    assert [item["run"] for item in bench.items(run)] == [str(runs[3].pk), str(runs[0].pk)]
    assert [run_folder(run).exists() for run in runs] == [False, True, True, False]
    assert set(shop.runs.values_list("pk", flat=True)) == {runs[1].pk, runs[2].pk}


def test_a_clean_up_finds_old_folders_that_no_row_knows_and_nothing_else(shop, tmp_path):
    known = finished_run(shop, [{"n": 1}])
    lost, young, other = (
        run_folder(known).parent / name for name in (str(uuid4()), str(uuid4()), "notes")
    )
    for folder in (lost, young, other):
        folder.mkdir(parents=True)
    long_ago = time.time() - 3 * 24 * 3600
    for folder in (lost, other, run_folder(known)):
        os.utime(folder, (long_ago, long_ago))
    assert [item["folder"] for item in perform("cleanup", tmp_path)] == [f"shop/{lost.name}"]
    assert [folder.exists() for folder in (lost, young, other, run_folder(known))] == [
        False,
        True,
        True,
        True,
    ]


def test_days_of_a_clean_up_go_before_the_rules_of_the_tasks(shop, tmp_path):
    for days in (2, 4, 6):
        finished_run(shop, [], at=timezone.now() - timedelta(days=days), status="cancelled")
    assert len(perform("cleanup", tmp_path, days=3)) == 2
    assert shop.runs.count() == 1

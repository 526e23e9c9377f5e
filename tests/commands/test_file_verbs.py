from __future__ import annotations

import io
import json
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.exchange.reading import read_records
from tasks.execution.folder import run_folder
from tasks.models import Run, SpiderInfo, Task
from tasks.services import run_task_now

pytestmark = pytest.mark.django_db


def test_export_prints_or_writes_in_the_form_of_its_name(tasks, shop, tmp_path):
    assert tasks("export").json["tasks"][0]["task_id"] == "shop"
    assert tasks("export", "--format", "yaml").out.startswith("version: 1\n")
    path = tmp_path / "tasks.yml"
    assert tasks("export", path).out == f"Wrote 1 task to {path}.\n"
    assert path.read_text().startswith("version: 1\n")
    assert tasks("export", path, "--task", "shop", "--json").json == {
        "file": str(path), "tasks": 1,
    }  # fmt: skip
    assert tasks("export", tmp_path).code == 1


def test_import_shows_first_and_then_does(tasks, shop, tmp_path):
    path = tmp_path / "tasks.yml"
    tasks("export", path)
    path.write_text(path.read_text().replace("name: Shop prices", "name: Prices"))
    look = tasks("import", path, "--dry-run")
    assert "~ shop  Prices\n    name: Shop prices → Prices\n" in look.out
    assert "Would be: 0 created, 1 changed, 0 unchanged, 0 removed." in look.out
    shop.refresh_from_db()
    assert shop.name == "Shop prices"
    done = tasks("import", path, "--json").json
    assert (done["dry_run"], done["changed"]) == (False, 1)
    assert tasks("import", path).out == "Done: 0 created, 0 changed, 1 unchanged, 0 removed.\n"


def test_import_reads_standard_input(tasks, shop, monkeypatch):
    text = json.dumps({"tasks": []}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    answer = tasks("import", "-", "--replace")
    assert "- shop  Shop prices" in answer.out
    assert not Task.objects.exists()


def test_an_import_that_is_refused_names_file_line_and_field(tasks, shop, tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text(
        "jobs:\n- {job_id: a, type: cron, spider: shop, hour: 25}\n"
        "- {job_id: b, type: cron, spider: shop, hour: 26}\n"
    )
    answer = tasks("import", path)
    sentence = "Hour must be 0 to 23; you wrote 25. (and 1 more)"
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"{path}:2: jobs.0.hour: {sentence}"
    assert "can't be read" in tasks("import", tmp_path / "nosuch.yml").err


@pytest.mark.parametrize("name", ["example.yml", "example.json"])
def test_the_example_can_be_read(tasks, tmp_path, name):
    path = tmp_path / name
    assert tasks("config", "create", path).code == 0
    records = read_records(path.read_bytes())
    assert {record.schedules[0]["kind"] for record in records} == {"cron", "interval", "once"}
    again = tasks("config", "create", path)
    assert (again.code, "there already" in again.err) == (1, True)
    assert tasks("config", "create", path, "--force", "--json").json == {"file": str(path)}


def test_the_example_is_ready_to_import(tasks, tmp_path):
    """With the project's own spiders, listed anew since there is no scheduler."""
    path = tmp_path / "example.yml"
    tasks("config", "create", path)
    answer = tasks("import", path, "--dry-run")
    assert (answer.code, answer.err) == (0, "")
    assert "Would be: 4 created" in answer.out
    assert "+ new-year  new-year  (Once on 1 January 2099 at 00:05)" in answer.out
    assert SpiderInfo.objects.filter(name="vivbliss").exists()


@pytest.fixture
def ended(shop):
    run = run_task_now(task_id="shop")
    Run.objects.filter(pk=run.pk).update(status="succeeded")
    folder = run_folder(run)
    folder.mkdir(parents=True)
    (folder / "run.log").write_text(
        "2026-04-02 09:30:00 [scrapy.core] INFO: Spider \x1b[31mopened\n"
        "2026-04-02 09:30:01 [shop] ERROR: No price\n"
        "Traceback (most recent call last):\n"
    )
    (folder / "items.jsonl").write_text('{"name": "=SUM(A1)", "price": 5}\n{"name": "Skö"}\n')
    return run


def test_a_log_is_printed_and_followed_to_its_end(tasks, ended):
    for words in (["log", ended.pk], ["log", ended.pk, "--follow"]):
        lines = tasks(*words).out.splitlines()
        assert lines[0] == "2026-04-02 09:30:00 [scrapy.core] INFO: Spider opened"
        assert lines[2:] == ["Traceback (most recent call last):"]
    errors = tasks("log", ended.pk, "--errors").out.splitlines()
    assert errors[0] == "2026-04-02 09:30:01 [shop] ERROR: No price"
    first = json.loads(tasks("log", ended.pk, "--json").out.splitlines()[0])
    assert (first["level"], first["offset"]) == ("INFO", 0)


def test_a_run_without_a_log_prints_nothing(tasks, shop):
    run = run_task_now(task_id="shop")
    assert tasks("log", run.pk).out == ""
    assert tasks("items", run.pk).out == ""


def test_items_are_taken_away_in_each_form(tasks, ended, tmp_path):
    assert tasks("items", ended.pk).out.splitlines()[1] == '{"name": "Skö"}'
    assert len(tasks("items", ended.pk, "--json").json) == 2
    assert "'=SUM(A1)" in tasks("items", ended.pk, "--format", "csv").out
    path = tmp_path / "items.xlsx"
    assert tasks("items", ended.pk, "--format", "xlsx", "--output", path).code == 0
    assert path.read_bytes().startswith(b"PK")
    assert tasks("items", ended.pk, "--output", tmp_path).code == 1


def test_a_backfill_queues_one_run_per_slot(tasks, shop):
    answer = tasks("backfill", "shop", "2026-03-01", "2026-03-03", "--json")
    assert [run["trigger"] for run in answer.json] == ["backfill"] * 3
    assert "Would queue 3 runs." in tasks(
        "backfill", "shop", "2026-03-01T06:00", "2026-03-03T06:00", "--dry-run"
    ).out  # fmt: skip
    assert Run.objects.count() == 3


def test_today_counts_as_far_as_it_is_over(tasks, shop):
    today = timezone.now().date()
    start = today - timedelta(days=2)
    assert tasks("backfill", "shop", start, today, "--dry-run").code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["shop", "2026-03-03", "2026-03-01"], "end comes before the start"),
        (["shop", "2026-03-01T07:00", "2026-03-01T08:00"], "No run was planned"),
        (["shop", "2001-01-01", "2026-03-01"], "at most 500"),
        (["shop", "soon", "2026-03-01"], "FROM must be a day"),
        (["shop", "2026-03-01", "2026-02-30"], "TO must be a day"),
        (["shop", "2026-03-01", "2099-01-01T00:00"], "for the past"),
        (["shop", "2026-03-01", "2026-03-02", "--timezone", "Mars/X"], "not a time zone"),
        (["shop", "2026-03-01", "2026-03-02", "--wait"], "No scheduler is running"),
        (["nosuch", "2026-03-01", "2026-03-02"], "There is no task"),
    ],
)
def test_a_backfill_that_cannot_be_is_refused(tasks, shop, words, sentence):
    answer = tasks("backfill", *words)
    assert answer.code == 1
    assert sentence in answer.err
    assert not Run.objects.exists()

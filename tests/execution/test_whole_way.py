from __future__ import annotations

import json

from tasks.execution.folder import run_folder


def test_a_queued_run_is_started_and_its_outcome_comes_back(bench, site):
    run = bench.queue("pages", arguments={"start_urls": f"{site.url}/ok", "count": 3})
    bench.until_ended(run)
    assert (run.status, run.reason) == ("succeeded", "")
    assert (run.items, run.pages, run.errors, run.exit_code) == (3, 1, 0, 0)
    assert run.started_at < run.finished_at
    assert run.stats["finish_reason"] == "finished"
    assert [item["number"] for item in bench.items(run)] == [0, 1, 2]
    assert bench.items(run)[0]["stamp"] == "wild"
    assert "Spider closed (finished)" in bench.log(run)


def test_the_report_tells_the_run_without_its_order(bench):
    run = bench.until_ended(bench.queue("echo"))
    report = json.loads((run_folder(run) / "report.json").read_text())
    assert report["status"] == "succeeded"
    assert report["items"] == report["items_stored"] == 1
    assert report["versions"]["Scrapy"].startswith("2.")
    assert report["duration_seconds"] >= 0
    assert not (run_folder(run) / "order.json").exists()


def test_the_order_with_its_secrets_is_gone_once_its_run_has_begun(bench):
    run = bench.until_item(bench.queue("sleeps"))
    assert not (run_folder(run) / "order.json").exists()


def test_what_a_killed_supervisor_left_untidy_is_tidied_by_the_next(bench, monkeypatch):
    monkeypatch.setattr(bench.worker.supervisor, "tidy", lambda: None)
    run = bench.until_ended(bench.queue("echo"))
    folder = run_folder(run)
    assert not (folder / "report.json").exists()
    bench.replace_worker()
    bench.drive((folder / "report.json").exists)
    assert json.loads((folder / "report.json").read_text())["versions"]


def test_spiders_see_nothing_of_our_environment(bench, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "very secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://user:password@host/name")
    monkeypatch.setenv("SPIDER_GREETING", "meant for spiders")
    bench.use_own_launcher()
    run = bench.until_ended(bench.queue("echo"))
    environment = bench.items(run)[0]["environment"]
    assert "very secret" not in str(environment)
    assert "password" not in str(environment)
    assert environment["SPIDER_GREETING"] == "meant for spiders"
    assert environment["SPIDER_STATE_DIR"].endswith(f"state/{run.task_key}")


def test_settings_of_a_task_win_over_the_spiders_own_and_doors_stay_shut(bench):
    run = bench.until_ended(bench.queue("echo", settings={"DOWNLOAD_DELAY": 0.25}))
    item = bench.items(run)[0]
    assert item["delay"] == 0.25
    assert (item["telnet"], item["remote"]) == (False, False)


def test_runs_are_processes_of_their_own_group_and_differ_in_chance(bench):
    runs = [bench.queue("echo") for _ in range(3)]
    items = [bench.items(bench.until_ended(run))[0] for run in runs]
    assert all(item["pid"] == item["group"] for item in items)
    assert len({item["random"] for item in items}) == 3

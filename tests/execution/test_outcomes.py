from __future__ import annotations

import pytest

from tasks.outcomes import explain
from tasks.services.baseline import baseline_of
from tests.ftp import Ftp

NOWHERE = "http://no-such-host.invalid/"

# spider, arguments ({site} is the local website), task fields, status, reason
ROWS = [
    ("pages", {"start_urls": "{site}/ok"}, {}, "succeeded", ""),
    ("raises_in_callback", {"start_urls": "{site}/ok"}, {}, "failed", "spider_error"),
    ("raises_in_start", {}, {}, "failed", "spider_error"),
    ("raises_in_init", {}, {}, "failed", "spider_error"),
    ("echo", {"unheard_of": "1"}, {}, "succeeded", ""),
    ("broken_import", {}, {}, "failed", "spider_import"),
    ("never_written", {}, {}, "failed", "spider_missing"),
    ("old_start", {}, {}, "failed", "start_requests"),
    ("yields_nothing", {"start_urls": "{site}/ok"}, {}, "suspicious", "no_items"),
    ("yields_nothing", {"start_urls": "{site}/ok"}, {"allow_empty": True}, "succeeded", ""),
    ("pages", {"start_urls": "{site}/ok"}, {"min_items": 5}, "suspicious", "few_items"),
    ("pages", {"start_urls": "{site}/403"}, {}, "failed", "blocked"),
    ("pages", {"start_urls": "{site}/429"}, {}, "failed", "blocked"),
    ("pages", {"start_urls": "{site}/500"}, {}, "failed", "site_error"),
    ("yields_nothing", {"start_urls": "{site}/login"}, {}, "failed", "login_needed"),
    ("yields_nothing", {"start_urls": "{site}/members"}, {}, "failed", "login_needed"),
    ("yields_nothing", {"start_urls": "{site}/captcha"}, {}, "failed", "captcha"),
    ("pages", {"start_urls": "{site}/guarded"}, {}, "failed", "captcha"),
    ("pages", {"start_urls": "{site}/401"}, {}, "failed", "login_needed"),
    ("pages", {"start_urls": "{site}/circle"}, {}, "failed", "redirect_loop"),
    ("pages", {"start_urls": "{secure}/ok"}, {}, "failed", "certificate"),
    ("pages", {"start_urls": "{site}/404"}, {}, "failed", "not_found"),
    ("pages", {"start_urls": "http://127.0.0.1:1/"}, {}, "failed", "unreachable"),
    ("pages", {"start_urls": NOWHERE}, {}, "failed", "dns"),
    ("pages", {"start_urls": "http://169.254.169.254/"}, {}, "failed", "address_refused"),
    ("pages", {"start_urls": "file:///etc/passwd"}, {}, "failed", "address_refused"),
    (
        "pages",
        {"start_urls": "{site}/elsewhere?to=http://10.0.0.1/"},
        {},
        "failed",
        "address_refused",
    ),
    ("kills_itself", {"number": 9}, {}, "failed", "killed"),
    ("segfaults", {}, {}, "failed", "crashed"),
    ("exits", {}, {}, "failed", "crashed"),
]


@pytest.mark.parametrize(("spider", "arguments", "fields", "status", "reason"), ROWS)
def test_every_end_has_its_status_and_reason(
    bench, site, spider, arguments, fields, status, reason
):
    secure = site.url.replace("http:", "https:")
    arguments = {
        name: str(value).format(site=site.url, secure=secure) for name, value in arguments.items()
    }
    run = bench.queue(spider, task=bench.task(spider, **fields), arguments=arguments)
    bench.until_ended(run)
    assert (run.status, run.reason) == (status, reason), (run.detail, run.stats, bench.log(run))
    if reason:
        assert "–" not in explain(reason, run.detail).happened


def test_a_feed_that_fails_is_a_failure_although_the_items_are_here(bench):
    run = bench.until_ended(bench.queue("echo", settings={"PRESET": "to_nowhere"}))
    assert (run.status, run.reason, run.items) == ("failed", "feed_failed", 1)


def test_items_also_go_to_the_storage_of_a_preset(bench, tmp_path, monkeypatch):
    folder = tmp_path / "feeds"
    monkeypatch.setenv("SPIDER_FEED", f"file://{folder}/%(name)s.jsonl")
    run = sent(bench)
    assert (folder / "echo.jsonl").read_text().count("\n") == run.items == 1


def test_items_also_go_to_a_server(bench, monkeypatch):
    with Ftp() as ftp:
        monkeypatch.setenv("SPIDER_FEED", f"{ftp.url}/feeds/%(name)s.jsonl")
        run = sent(bench)
    assert ftp.stored["echo.jsonl"].count(b"\n") == run.items == 1


def test_a_server_that_refuses_the_items_fails_the_run(bench, monkeypatch):
    with Ftp() as ftp:
        wrong = ftp.url.replace("secret", "guessed")
        monkeypatch.setenv("SPIDER_FEED", f"{wrong}/feeds/%(name)s.jsonl")
        bench.use_own_launcher()
        run = bench.until_ended(bench.queue("echo", settings={"PRESET": "to_storage"}))
    assert (run.status, run.reason, run.items) == ("failed", "feed_failed", 1)
    assert len(bench.items(run)) == 1
    assert ftp.stored == {}


def sent(bench):
    bench.use_own_launcher()
    run = bench.until_ended(bench.queue("echo", settings={"PRESET": "to_storage"}))
    assert (run.status, run.items) == ("succeeded", 1), bench.log(run)
    assert len(bench.items(run)) == 1
    return run


def test_a_preset_that_is_gone_is_named(bench):
    run = bench.until_ended(bench.queue("echo", settings={"PRESET": "gone"}))
    assert (run.status, run.reason) == ("failed", "preset_missing")


def test_fewer_items_than_usual_need_a_look(bench, site):
    task = bench.task("pages")
    arguments = {"start_urls": f"{site.url}/ok"}
    for _ in range(3):
        bench.until_ended(bench.queue(task=task, arguments={**arguments, "count": 20}))
    run = bench.until_ended(bench.queue(task=task, arguments={**arguments, "count": 5}))
    assert (run.status, run.reason) == ("suspicious", "few_items")
    assert run.detail == {"items": 5, "usual": 20}
    assert "about 20 is usual" in explain(run.reason, run.detail).happened


def test_no_items_where_there_were_some_points_to_a_new_layout(bench, site):
    task = bench.task("pages")
    for _ in range(3):
        bench.until_ended(bench.queue(task=task, arguments={"start_urls": f"{site.url}/ok"}))
    task.spider = "yields_nothing"
    task.save()
    run = bench.queue("yields_nothing", task=task, arguments={"start_urls": f"{site.url}/ok"})
    bench.until_ended(run)
    assert (run.status, run.reason) == ("suspicious", "layout_changed")
    assert "about 1 is usual" in explain(run.reason, run.detail).happened


def test_a_test_run_is_measured_by_no_baseline_and_is_none(bench, site):
    task = bench.task("pages", min_items=50)
    arguments = {"start_urls": f"{site.url}/ok"}
    for _ in range(3):
        run = bench.until_ended(bench.queue(task=task, arguments=arguments, trigger="test"))
        assert run.status == "succeeded"
    assert baseline_of(task.pk) is None


def test_items_that_json_cannot_hold_are_saved_all_the_same(bench):
    run = bench.until_ended(bench.queue("infinite_number"))
    assert run.status == "succeeded"
    assert bench.items(run)[0]["value"] is None

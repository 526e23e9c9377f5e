from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Run
from tasks.outcomes import explain
from tasks.outcomes.words import TABLE
from tasks.services.baseline import baseline_of
from tests.environment import ROOT
from tests.ftp import Ftp
from tests.website import Site, self_signed

NOWHERE = "http://no-such-host.invalid/"
MIXED = "{site}/ok {site}/500/1 {site}/500/2 {site}/500/3"
MOSTLY_DEAD = "{site}/ok http://127.0.0.1:1/1 http://127.0.0.1:1/2 http://127.0.0.1:1/3"
LINKED = {"start_urls": "{site}/ok"}
OBEYS = {"ROBOTSTXT_OBEY": True}

# spider, arguments ({site} is the local website), task fields and "settings", status, reason
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
    ("tells_what_changed", {"start_urls": "{site}/ok"}, {}, "succeeded", ""),
    ("tells_what_changed", {"start_urls": "{site}/ok"}, {"min_items": 1}, "suspicious", "no_items"),
    ("tells_what_changed", {"start_urls": "{site}/404"}, {}, "failed", "not_found"),
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
    ("pages", {"start_urls": "{site}/503"}, {}, "failed", "blocked"),
    ("pages", {"start_urls": "{site}/451"}, {}, "failed", "blocked"),
    ("pages", {"start_urls": "{site}/cut"}, {}, "failed", "unreachable"),
    (
        "pages",
        {"start_urls": "{site}/hangs"},
        {"settings": {"DOWNLOAD_TIMEOUT": 0.3}},
        "failed",
        "timeout_site",
    ),
    ("pages", {"start_urls": "{site}/private"}, {"settings": OBEYS}, "failed", "robots"),
    ("pages", {"start_urls": "{site}/ok"}, {"settings": OBEYS}, "succeeded", ""),
    ("pages", {"start_urls": MIXED}, {}, "suspicious", "many_failed_pages"),
    ("pages", {"start_urls": MOSTLY_DEAD}, {}, "suspicious", "many_unanswered"),
    ("raises_in_callback", {**LINKED, "items": 2}, {}, "suspicious", "some_errors"),
    (
        "raises_in_callback",
        {**LINKED, "items": 2},
        {"max_errors": 0},
        "failed",
        "too_many_errors",
    ),
    (
        "raises_in_callback",
        {**LINKED, "items": 2},
        {"settings": {"CLOSESPIDER_ERRORCOUNT": 1}},
        "failed",
        "spider_error",
    ),
    ("breaks_items", {"every": 2}, {}, "suspicious", "broken_items"),
    ("breaks_items", {"every": 2}, {"max_errors": 9}, "succeeded", ""),
    ("breaks_items", {"every": 1}, {}, "failed", "spider_error"),
    ("fails_at_its_end", {"what": "pipeline"}, {}, "suspicious", "closing_failed"),
    ("fails_at_its_end", {"what": "spider"}, {}, "suspicious", "closing_failed"),
    ("fails_at_its_end", {"what": "spider"}, {"max_errors": 1}, "succeeded", ""),
    ("wants_another_reactor", {}, {}, "failed", "spider_error"),
    ("wants_an_address", {}, {}, "failed", "bad_arguments"),
    ("declares", {"pages": "many"}, {}, "failed", "bad_arguments"),
    ("gives_up", {}, {}, "suspicious", "closed_early"),
    ("follows", LINKED, {"settings": {"CLOSESPIDER_ITEMCOUNT": 3}}, "succeeded", ""),
    ("follows", LINKED, {"settings": {"CLOSESPIDER_PAGECOUNT": 3}}, "succeeded", ""),
    (
        "follows",
        LINKED,
        {"settings": {"CLOSESPIDER_TIMEOUT": 1, "DOWNLOAD_DELAY": 0.2}},
        "succeeded",
        "",
    ),
    ("follows", LINKED, {"settings": {"DEPTH_LIMIT": 2}}, "succeeded", ""),
    ("kills_itself", {"number": 9}, {}, "failed", "killed"),
    ("kills_itself", {"number": 24}, {}, "failed", "cpu_limit"),
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
    chosen = fields.get("settings", {})
    task = bench.task(spider, **{k: value for k, value in fields.items() if k != "settings"})
    run = bench.until_ended(bench.queue(task=task, arguments=arguments, settings=chosen))
    assert (run.status, run.reason) == (status, reason), (run.detail, run.stats, bench.log(run))
    if reason:
        assert "–" not in explain(reason, run.detail).happened


# Causes that no website brings about: where each of them is made to happen.
ELSEWHERE = {
    "execution/test_dispatching.py": ["disk_full", "scheduler_stop", "secret_unreadable"],
    "execution/test_full_disk.py": ["items_lost", "log_lost"],
    "execution/test_kinds.py": ["job_failed"],
    "execution/test_outcomes.py": ["feed_failed", "layout_changed", "preset_missing", "slow"],
    "execution/test_supervision.py": [
        "cancelled", "launcher", "lost", "memory", "no_progress", "timeout",
    ],
    "scheduling/test_firing.py": ["blackout", "hold", "overlap"],
    "scheduling/test_timekeeper.py": ["clock_jump", "database_down", "scheduler_down"],
}  # fmt: skip


def test_every_cause_of_the_catalogue_is_made_to_happen():
    here = {reason for *_, reason in ROWS if reason}
    there = {reason for reasons in ELSEWHERE.values() for reason in reasons}
    assert here | there == set(TABLE)
    for file, reasons in ELSEWHERE.items():
        text = (ROOT / "tests" / file).read_text()
        assert [reason for reason in reasons if f'"{reason}"' not in text] == []


def test_a_certificate_that_nobody_vouches_for_is_named(bench, tmp_path):
    with Site(certificate=self_signed(tmp_path / "own.pem")) as site:
        run = bench.queue(
            "pages",
            arguments={"start_urls": f"{site.url}/ok"},
            settings={"DOWNLOAD_VERIFY_CERTIFICATES": True},
        )
        bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "certificate"), bench.log(run)
    assert "certificate verify failed" in run.detail["message"]


def test_a_run_that_took_much_longer_than_usual_needs_a_look(bench, tmp_path):
    task, go = bench.task("sleeps"), tmp_path / "go"
    for _ in range(3):
        past = bench.queue(task=task, arguments={"until": str(go)})
        began = timezone.now() - timedelta(days=1)
        Run.objects.filter(pk=past.pk).update(
            status="succeeded", items=2, started_at=began, finished_at=began + timedelta(minutes=1)
        )
    run = bench.until_item(bench.queue(task=task, arguments={"until": str(go)}))
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=10))
    # The news of its end may come before the next look at the table.
    bench.worker.supervisor.look()
    go.touch()
    bench.until_ended(run)
    assert (run.status, run.reason) == ("suspicious", "slow")
    assert "Took 10 minutes; about 1 is usual" in explain(run.reason, run.detail).happened


def test_a_feed_that_fails_is_a_failure_although_the_items_are_here(bench):
    run = bench.until_ended(bench.queue("echo", settings={"PRESET": "to_nowhere"}))
    assert (run.status, run.reason, run.items) == ("failed", "feed_failed", 1)


@pytest.mark.parametrize("preset", ["to_unknown_format", "to_unknown_storage"])
def test_a_feed_that_scrapy_leaves_out_is_a_failure_too(bench, preset):
    run = bench.until_ended(bench.queue("echo", settings={"PRESET": preset}))
    assert (run.status, run.reason, run.items) == ("failed", "feed_failed", 1)
    assert explain(run.reason, run.detail).happened.endswith("to where they should go.")
    assert "The items cannot be sent to" in bench.log(run)


def test_a_preset_without_any_storing_of_feeds_fails_nothing(bench):
    run = bench.until_ended(bench.queue("echo", settings={"PRESET": "without_feeds"}))
    assert run.status == "succeeded"


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
    happened = explain(run.reason, run.detail).happened
    assert happened.endswith("to where they should go: 530 no")


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
    arguments = {"start_urls": f"{site.url}/ok", "count": 5}
    for _ in range(3):
        run = bench.until_ended(bench.queue(task=task, arguments=arguments))
    Run.objects.filter(task=task).update(items=20)
    other = bench.until_ended(bench.queue(task=task, arguments={**arguments, "count": 4}))
    assert other.status == "succeeded"
    run = bench.until_ended(bench.queue(task=task, arguments=arguments))
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
    assert baseline_of(run) is None


def test_items_that_json_cannot_hold_are_saved_all_the_same(bench):
    run = bench.until_ended(bench.queue("infinite_number"))
    assert run.status == "succeeded"
    assert bench.items(run)[0]["value"] is None

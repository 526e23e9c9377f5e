from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tasks.models import Run, SpiderInfo, Task
from tests.people import People

pytestmark = pytest.mark.django_db

SEARCH_SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "sources": {"type": "array"}},
}
CRAWL = {
    "user_id": "customer-42",
    "spider": "shop",
    "start_urls": ["https://shop.example/a", "https://shop.example/b"],
    "depth": 2,
}


def crawl(api: Any, **changes: Any) -> Any:
    return api.post("/crawl", {**CRAWL, **changes})


def test_a_crawl_at_once_is_a_queued_run(api: Any, shop_spider: Any) -> None:
    answer = crawl(api, params={"currency": "SEK"})
    body = answer.json()
    assert answer.status_code == 200, body
    run = Run.objects.get(pk=body["job_id"])
    assert (body["scheduled"], body["cached"], "cached_at" in body) == (False, False, False)
    assert (run.status, run.user_id, run.trigger) == ("queued", "customer-42", "api")
    assert run.arguments == {"start_urls": CRAWL["start_urls"], "currency": "SEK"}
    assert run.settings == {"DEPTH_LIMIT": 2}
    assert body["status_url"] == f"/api/v1/jobs/{run.pk}/status"


def test_the_same_crawl_gets_the_same_job_whatever_the_order_of_its_addresses(
    api: Any, shop_spider: Any
) -> None:
    first = crawl(api).json()
    second = crawl(api, start_urls=CRAWL["start_urls"][::-1]).json()
    assert (second["job_id"], second["cached"]) == (first["job_id"], True)
    assert second["cached_at"]
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "customer-43"},
        {"start_urls": ["https://shop.example/a"]},
        {"depth": 3},
        {"params": {"currency": "EUR"}},
    ],
)
def test_another_crawl_gets_another_job(api: Any, shop_spider: Any, change: Any) -> None:
    assert crawl(api).json()["job_id"] != crawl(api, **change).json()["job_id"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"params": {"pages": 3}}, {"params": {"pages": "3"}}),
        ({"params": {}}, {"params": None, "ignore_cache": None}),
        ({"interval": "0 * * * *"}, {"interval": "@hourly"}),
        ({"interval": "0 6 * * MON"}, {"interval": "0  6 * * mon"}),
        ({"schedule_at": "2090-01-01T06:00:00Z"}, {"schedule_at": "2090-01-01T08:00:00+02:00"}),
        ({"schedule_at": "2090-01-01T06:00:00Z"}, {"schedule_at": "2090-01-01 06:00"}),
    ],
)
def test_the_same_crawl_may_be_written_in_several_ways(
    api: Any, shop_spider: Any, one: Any, other: Any
) -> None:
    first, second = crawl(api, **one).json(), crawl(api, **other).json()
    assert (second["job_id"], second["cached"]) == (first["job_id"], True)


def test_what_is_wrong_with_an_address_is_said_once(api: Any, shop_spider: Any) -> None:
    address = {"type": "string", "pattern": "^https?://"}
    shop_spider.schema["properties"]["start_urls"] = {"type": "array", "items": address}
    shop_spider.save()
    errors = crawl(api, start_urls=["ftp://shop.example/"]).json()["errors"]
    (sentence,) = errors["start_urls"]
    assert "ftp://shop.example/" in sentence


def test_the_cache_ends_after_its_time(api: Any, shop_spider: Any, settings: Any) -> None:
    first = crawl(api).json()["job_id"]
    Run.objects.update(queued_at=timezone.now() - timedelta(seconds=settings.CRAWL_CACHE_TTL + 1))
    assert crawl(api).json()["job_id"] != first


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_crawl_that_failed_is_tried_again(api: Any, shop_spider: Any, status: str) -> None:
    first = crawl(api).json()["job_id"]
    Run.objects.update(status=status)
    assert crawl(api).json()["job_id"] != first


@pytest.mark.parametrize("as_query", [True, False])
def test_ignore_cache_makes_a_new_job_past_both_caches(
    api: Any, shop_spider: Any, as_query: bool
) -> None:
    first = crawl(api).json()["job_id"]
    path, body = ("/crawl?ignore_cache=true", CRAWL) if as_query else (
        "/crawl", {**CRAWL, "ignore_cache": True}
    )  # fmt: skip
    second = api.post(path, body).json()
    assert second["job_id"] != first
    assert Run.objects.get(pk=second["job_id"]).ignore_cache


def test_a_crawl_by_cron_is_a_task_and_deduplicated_too(api: Any, shop_spider: Any) -> None:
    answer = crawl(api, interval="0 6 * * *")
    body = answer.json()
    assert (answer.status_code, body["scheduled"]) == (202, True)
    assert body["next_run"]
    assert crawl(api, interval="0  6 * * *").json()["job_id"] == body["job_id"]
    task = Task.objects.get(task_id=body["job_id"])
    assert (task.user_id, task.schedules.get().cron) == ("customer-42", "0 6 * * *")
    assert task.owner.username == "maja"
    assert not Run.objects.exists()


def test_a_crawl_at_a_moment_runs_once_then(api: Any, shop_spider: Any) -> None:
    body = crawl(api, schedule_at="2090-01-01T06:00:00+02:00").json()
    schedule = Task.objects.get(task_id=body["job_id"]).schedules.get()
    assert (schedule.kind, schedule.run_at.isoformat()) == ("once", "2090-01-01T04:00:00+00:00")
    assert body["next_run"].startswith("2090-01-01T04:00:00")


def test_a_moment_and_a_cron_together_start_the_cron_at_that_moment(
    api: Any, shop_spider: Any
) -> None:
    body = crawl(api, schedule_at="2090-01-01T07:00:00Z", interval="0 6 * * *").json()
    assert body["next_run"].startswith("2090-01-02T06:00:00")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"spider": "nobody"}, "spider"),
        ({"start_urls": []}, "start_urls"),
        ({"start_urls": ["ftp://shop.example/"]}, "start_urls"),
        ({"start_urls": ["http://127.0.0.1/"]}, "start_urls"),
        ({"user_id": ""}, "user_id"),
        ({"depth": -1}, "depth"),
        ({"depth": "deep"}, "depth"),
        ({"params": {"colour": "red"}}, "params.colour"),
        ({"params": {"start_urls": ["https://a.example"]}}, "params.start_urls"),
        ({"interval": "every day"}, "interval"),
        ({"schedule_at": "yesterday"}, "schedule_at"),
        ({"schedule_at": "2020-01-01T00:00:00Z"}, "schedule_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_crawl_is_400_and_names_its_field(
    api: Any, shop_spider: Any, change: Any, field: str
) -> None:
    answer = crawl(api, **change)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert field in answer.json()["errors"], answer.json()
    assert not Run.objects.exists()
    assert not Task.objects.filter(user_id="customer-42").exists()


def test_the_gateway_also_answers_at_the_root(api: Any, shop_spider: Any) -> None:
    answer = api("POST", "//crawl", CRAWL)
    job = answer.json()["job_id"]
    assert api("GET", f"//jobs/{job}/status").json()["job_id"] == job
    assert api("GET", "//jobs").json() == {"jobs": [], "total": 0}
    assert api("POST", "//crawl", {}).status_code == 400


def test_the_status_of_a_job_follows_its_run(api: Any, shop_spider: Any) -> None:
    job = crawl(api).json()["job_id"]
    words = {
        "queued": ("pending", None),
        "starting": ("running", None),
        "running": ("running", None),
        "succeeded": ("finished", "succeeded"),
        "suspicious": ("finished", "suspicious"),
        "failed": ("error", "failed"),
        "missed": ("error", "missed"),
    }
    for status, expected in words.items():
        Run.objects.update(status=status)
        body = api.get(f"/jobs/{job}/status").json()
        assert (body["status"], body["outcome"], body["spider_job_id"]) == (*expected, job)


def test_a_scheduled_job_shows_its_latest_run(api: Any, shop_spider: Any) -> None:
    job = crawl(api, interval="0 6 * * *").json()["job_id"]
    empty = api.get(f"/jobs/{job}/status").json()
    assert (empty["status"], empty["spider_job_id"]) == ("pending", None)
    assert empty["next_run"]
    run = api.post(f"/tasks/{job}/run").json()["id"]
    assert api.get(f"/jobs/{job}/status").json()["spider_job_id"] == run


def test_jobs_are_listed_paused_resumed_changed_and_removed(api: Any, shop_spider: Any) -> None:
    job = crawl(api, interval="0 6 * * *", params={"password": "tulip"}).json()["job_id"]
    listed = api.get("/jobs")
    assert b"tulip" not in listed.content
    assert listed.json()["total"] == 1
    shown = listed.json()["jobs"][0]
    assert set(shown) == {"id", "name", "next_run", "trigger", "pending", "kwargs"}
    assert (shown["id"], shown["trigger"]) == (job, "cron[0 6 * * *]")
    assert shown["kwargs"]["depth"] == 2
    assert "message" in api.post(f"/jobs/{job}/pause").json()
    assert api.get(f"/jobs/{job}").json()["next_run"] is None
    api.post(f"/jobs/{job}/resume")
    changed = api.patch(f"/jobs/{job}", {"interval": "0 7 * * *", "depth": 1, "params": {}})
    assert "message" in changed.json()
    shown = api.get(f"/jobs/{job}").json()
    assert (shown["trigger"], shown["kwargs"]["depth"]) == ("cron[0 7 * * *]", 1)
    assert shown["kwargs"]["start_urls"] == CRAWL["start_urls"]
    assert "message" in api.delete(f"/jobs/{job}").json()
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/status"), ("POST", "/pause")]:
        assert api(method, f"/jobs/{job}{path}").status_code == 404


def test_a_job_at_once_can_only_be_stopped(api: Any, shop_spider: Any) -> None:
    job = crawl(api).json()["job_id"]
    for path in ("pause", "resume"):
        assert api.post(f"/jobs/{job}/{path}").status_code == 400
    assert api.patch(f"/jobs/{job}", {"depth": 1}).status_code == 400
    assert api.get(f"/jobs/{job}").json()["trigger"] == "now"
    assert api.delete(f"/jobs/{job}").status_code == 200
    assert Run.objects.get(pk=job).status == "cancelled"


@pytest.mark.parametrize(
    ("change", "field"),
    [({}, ""), ({"interval": "61 * * * *"}, "interval"), ({"interval": None}, "interval"),
     ({"params": {"colour": 1}}, "params.colour"), ({"schedule_at": "2001-01-01"}, "schedule_at")],
)  # fmt: skip
def test_a_wrong_change_of_a_job_is_400(
    api: Any, shop_spider: Any, change: Any, field: str
) -> None:
    given = {"schedule_at": "2090-01-01"} if "schedule_at" in change else {"interval": "0 6 * * *"}
    job = crawl(api, **given).json()["job_id"]
    answer = api.patch(f"/jobs/{job}", change)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_search_is_changed_in_its_own_words(api: Any) -> None:
    SpiderInfo.objects.create(name="search", schema=SEARCH_SCHEMA, seen_at=timezone.now())
    job = api.post("/search", {"query": "oak", "interval_hours": 6}).json()["job_id"]
    assert api.patch(f"/jobs/{job}", {"cron_expression": "0 8 * * *"}).status_code == 200
    assert api.get(f"/jobs/{job}").json()["trigger"] == "cron[0 8 * * *]"
    assert api.patch(f"/jobs/{job}", {"interval_hours": 3}).status_code == 200
    assert api.get(f"/jobs/{job}").json()["trigger"] == "interval[3:00:00]"
    both = api.patch(f"/jobs/{job}", {"interval_hours": 3, "interval": "0 8 * * *"})
    assert (both.status_code, list(both.json()["errors"])) == (400, ["interval"])


def test_a_jobs_depth_is_taken_away_by_null(api: Any, shop_spider: Any) -> None:
    job = crawl(api, interval="0 6 * * *").json()["job_id"]
    assert api.patch(f"/jobs/{job}", {"depth": None}).status_code == 200
    assert "depth" not in api.get(f"/jobs/{job}").json()["kwargs"]


def test_another_users_job_is_not_there(api: Any, shop_spider: Any) -> None:
    job = crawl(api).json()["job_id"]
    assert api.get(f"/jobs/{job}/status?user_id=customer-42").status_code == 200
    assert api.get(f"/jobs/{job}/status?user_id=customer-43").status_code == 404
    assert api.delete(f"/jobs/{job}?user_id=customer-43").status_code == 404


def test_rights_hold_at_the_gateway(api_of: Any, people: People, shop_spider: Any) -> None:
    scheduled = {**CRAWL, "interval": "0 6 * * *"}
    assert api_of(people.viktor).post("/crawl", CRAWL).status_code == 403
    assert api_of(people.olof).post("/crawl", CRAWL).status_code == 200
    assert api_of(people.olof).post("/crawl", scheduled).status_code == 403
    assert api_of(people.maja, "run").post("/crawl", scheduled).status_code == 403
    assert api_of().post("/crawl", CRAWL).status_code == 401


def test_a_search_is_scheduled_and_its_export_too(api: Any, shop_spider: Any) -> None:
    SpiderInfo.objects.create(name="search", schema=SEARCH_SCHEMA, seen_at=timezone.now())
    made = api.post("/search", {"query": "oak table", "cron_expression": "0 6 * * *"})
    assert made.status_code == 200, made.content
    task = Task.objects.get(task_id=made.json()["job_id"])
    assert (task.name, task.kind) == ("Search: oak table", "search")
    assert task.arguments == {"query": "oak table", "sources": ["google", "bing"]}
    export = {"search_id": task.task_id, "format": "csv", "cron_expression": "0 7 * * *"}
    answer = api.post("/export", export)
    assert set(answer.json()) == {"job_id", "message"}
    assert Task.objects.get(task_id=answer.json()["job_id"]).arguments["task"] == task.task_id
    assert api.post("/export", {**export, "search_id": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    "change",
    [{}, {"cron_expression": "0 6 * * *", "interval_hours": 2}, {"interval_hours": 0},
     {"cron_expression": "x"}],
)  # fmt: skip
def test_a_search_without_one_rhythm_is_400(api: Any, maja: User, change: Any) -> None:
    assert api.post("/search", {"query": "oak", **change}).status_code == 400
    assert not Task.objects.exists()


def test_a_crawl_costs_few_statements(
    api: Any, shop_spider: Any, django_assert_num_queries: Any
) -> None:
    crawl(api)
    # Token, two for her rights, spider, look; then lock, look again, run, audit, and a savepoint.
    with django_assert_num_queries(5):
        crawl(api)
    with django_assert_num_queries(11):
        crawl(api, depth=5)

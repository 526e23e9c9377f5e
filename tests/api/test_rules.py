from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.models import DataLink, IdempotencyKey, Run, SchedulerProcess, Task
from tasks.services import idempotency, rates
from tasks.services.errors import Conflict

pytestmark = pytest.mark.django_db
KEY = "Idempotency-Key"


# --- idempotency ------------------------------------------------------------------------------


def test_a_post_with_the_same_key_is_done_once_and_answered_twice(api: Any, shop: Task) -> None:
    first = api.post("/tasks/shop/run", **{KEY: "a"})
    second = api.post("/tasks/shop/run", **{KEY: "a"})
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert second["Content-Type"] == first["Content-Type"]
    assert second["Idempotency-Replayed"] == "true"
    assert Run.objects.count() == 1
    assert api.post("/tasks/shop/run", **{KEY: "b"}).status_code == 409


def test_a_refusal_is_repeated_too(api: Any, shop: Task) -> None:
    answers = [api.post("/tasks", {"spider": "nobody", "name": "x"}, **{KEY: "a"}) for _ in "12"]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[1]["Content-Type"] == "application/problem+json"


def test_a_key_belongs_to_one_request_and_one_person(
    api: Any, api_of: Any, anna: Any, shop: Task
) -> None:
    body = {"user_id": "u", "spider": "shop", "start_urls": ["https://shop.example/"]}
    api.post("/crawl", body, **{KEY: "a"})
    other = api.post("/crawl", {**body, "user_id": "v"}, **{KEY: "a"})
    assert (other.status_code, list(other.json()["errors"])) == (400, [KEY])
    assert api_of(anna).post("/crawl", {**body, "user_id": "v"}, **{KEY: "a"}).status_code == 200


def test_a_key_whose_request_died_is_free_after_a_while(api: Any, maja: Any, shop: Task) -> None:
    row = IdempotencyKey.objects.create(owner=f"user:{maja.pk}", key="a", request_hash="x")
    assert api.post("/tasks/shop/run", **{KEY: "a"}).status_code == 422
    IdempotencyKey.objects.filter(pk=row.pk).update(
        created_at=timezone.now() - timedelta(minutes=3)
    )
    assert api.post("/tasks/shop/run", **{KEY: "a"}).status_code == 202


def test_a_key_is_free_after_a_day(api: Any, shop: Task) -> None:
    api.post("/tasks/shop/pause", {"note": "one"}, **{KEY: "a"})
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    answer = api.post("/tasks/shop/pause", {"note": "two"}, **{KEY: "a"})
    assert answer.json()["disabled_note"] == "two"


@pytest.mark.parametrize("key", ["x" * 256, "a\tb", "é"])
def test_a_strange_key_is_refused(api: Any, shop: Task, key: str) -> None:
    assert api.post("/tasks/shop/run", **{KEY: key}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_twenty_of_the_same_at_once_start_one_run(api: Any, shop: Task) -> None:
    Task.objects.update(overlap_policy="allow", max_instances=50)

    def ask(_number: int) -> int:
        try:
            return api.post("/tasks/shop/run", **{KEY: "a"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        codes = set(pool.map(ask, range(20)))
    assert codes <= {202, 409}
    assert Run.objects.count() == 1


def test_a_key_that_is_given_up_while_a_second_request_comes_is_a_conflict_for_now(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given_up_meanwhile(**_values: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(IdempotencyKey.objects, "create", given_up_meanwhile)
    with pytest.raises(Conflict):
        idempotency.begin(owner="user:1", key="a", request_hash="x")


# --- limits and addresses ---------------------------------------------------------------------


@pytest.fixture
def counted_anew() -> Iterator[None]:
    """Ids of tokens come again in the next test."""
    rates.forget()
    yield
    rates.forget()


def test_a_token_gets_so_many_requests_a_minute(
    api: Any, api_of: Any, maja: Any, settings: Any, counted_anew: None
) -> None:
    settings.API_RATE_LIMIT = 3
    codes = [api.get("/tasks").status_code for _ in range(5)]
    assert 429 in codes
    assert codes[0] == 200
    refused = next(a for a in iter(lambda: api.get("/tasks"), None) if a.status_code == 429)
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["Content-Type"] == "application/problem+json"
    assert api_of(maja).get("/tasks").status_code == 200
    settings.API_RATE_LIMIT = 0
    assert api.get("/tasks").status_code == 200


def test_a_wrong_method_and_an_unknown_address_are_problems_too(api: Any) -> None:
    wrong = api("PUT", "/tasks")
    assert (wrong.status_code, wrong["Content-Type"]) == (405, "application/problem+json")
    assert "POST" in wrong["Allow"]
    unknown = api.get("/nothing")
    assert (unknown.status_code, unknown["Content-Type"]) == (404, "application/problem+json")


def test_the_description_declares_problems_and_shows_examples(client: Client) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    post = schema["paths"]["/api/v1/tasks"]["post"]
    assert list(post["responses"]["422"]["content"]) == ["application/problem+json"]
    assert {"401", "403", "409", "413", "429"} <= set(post["responses"])
    names = {each["name"] for each in post["parameters"]}
    assert KEY in names
    assert schema["components"]["schemas"]["CrawlIn"]["properties"]["start_urls"]["examples"]
    stream = schema["paths"]["/api/v1/runs/{run_id}/logs"]["get"]["responses"]["200"]
    assert "text/event-stream" in stream["content"]


# --- items and latest good data ---------------------------------------------------------------


def with_items(task: Task, *items: dict[str, Any], status: str = "succeeded") -> Run:
    run = Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, trigger="schedule", status=status,
        finished_at=timezone.now(),
    )  # fmt: skip
    folder = run_folder(run)
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(item) + "\n" for item in items)
    (folder / "items.jsonl").write_text(lines, encoding="utf-8")
    return run


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_run_says_why_it_ended_so(api: Any, shop: Task) -> None:
    run = with_items(shop)
    assert api.get(f"/runs/{run.pk}").json()["explanation"] is None
    Run.objects.update(status="suspicious", reason="no_items", pages=12)
    told = api.get(f"/runs/{run.pk}").json()["explanation"]
    assert told["happened"] == "The spider read 12 pages and found no items."
    assert told["title"]
    assert told["cause"]
    assert told["next_steps"]
    [listed] = api.get("/runs").json()["items"]
    assert listed["explanation"] == told
    german = api.get(f"/runs/{run.pk}", **{"Accept-Language": "de"}).json()["explanation"]
    assert german["happened"] == "Der Spider las 12 Seiten und fand keine Einträge."


def test_items_come_in_pages_and_as_files(api: Any, shop: Task) -> None:
    run = with_items(shop, *({"name": f"=item {number}"} for number in range(5)))
    first = api.get(f"/runs/{run.pk}/items?limit=3").json()
    rest = api.get(f"/runs/{run.pk}/items?limit=3&offset={first['next']}").json()
    names = [item["name"] for item in first["items"] + rest["items"]]
    assert (names, rest["next"]) == ([f"=item {number}" for number in range(5)], None)
    csv = api.get(f"/runs/{run.pk}/items?format=csv")
    assert csv["Content-Disposition"].endswith('.csv"')
    assert b"'=item 0" in body_of(csv)
    assert api.get(f"/runs/{run.pk}/items?format=exe").status_code == 422


def test_a_spreadsheet_reads_the_latest_good_items_without_login(
    api: Any, client: Client, shop: Task
) -> None:
    made = api.post("/tasks/shop/data-links", {"name": "Prices"})
    assert made.status_code == 201, made.content
    path = made.json()["urls"]["csv"].partition("//")[2].partition("/")[2]
    assert client.get(f"/{path}").status_code == 404
    with_items(shop, {"price": 1})
    with_items(shop, {"price": 2})
    with_items(shop, {"price": 3}, status="failed")
    answer = client.get(f"/{path}")
    assert body_of(answer).decode("utf-8-sig").splitlines() == ["price", "2"]
    assert answer["X-Robots-Tag"] == "noindex"
    assert body_of(client.get(f"/{path[:-3]}json")) == b'[\n{"price": 2}\n]\n'
    assert body_of(client.get(f"/{path[:-3]}xlsx")).startswith(b"PK")
    listed = api.get("/tasks/shop/data-links").json()
    assert [link["name"] for link in listed] == ["Prices"]
    assert listed[0]["last_used_at"]
    assert "urls" not in listed[0]
    assert api.delete(f"/data-links/{listed[0]['id']}").status_code == 204
    assert client.get(f"/{path}").status_code == 404
    assert api.get("/tasks/shop/data-links").json() == []


@pytest.mark.parametrize("name", ["x.csv", "x", ".csv", "%00.csv", "x" * 300 + ".json", "x.exe"])
def test_an_unknown_data_address_is_404(client: Client, db: None, name: str) -> None:
    assert client.get(f"/data/{name}").status_code == 404


def test_the_secret_of_an_address_is_not_stored(api: Any, shop: Task) -> None:
    url = api.post("/tasks/shop/data-links").json()["urls"]["csv"]
    secret = url.rpartition("/")[2].removesuffix(".csv")
    assert secret not in str(DataLink.objects.values())


def test_an_operator_makes_no_data_address(api_of: Any, olof: Any, shop: Task) -> None:
    assert api_of(olof).post("/tasks/shop/data-links").status_code == 403


# --- metrics ----------------------------------------------------------------------------------


def test_metrics_tell_of_runs_queue_scheduler_and_disk(api: Any, shop: Task) -> None:
    now = timezone.now()
    SchedulerProcess.objects.create(
        name="a", host="a", pid=1, started_at=now, seen_at=now, is_leader=True
    )
    Run.objects.create(
        task=shop, task_key="shop", task_name="Shop", trigger="schedule", status="failed",
        reason="spider_error", scheduled_for=now - timedelta(seconds=70),
        queued_at=now - timedelta(seconds=68), started_at=now - timedelta(seconds=60), items=7,
        finished_at=now - timedelta(seconds=20),
    )  # fmt: skip
    api.post("/tasks/shop/run")
    for path in ("/metrics", "//metrics"):
        answer = api("GET", path)
        assert answer["Content-Type"].startswith("text/plain")
        lines = answer.content.decode().splitlines()
        assert 'spider_scheduler_runs{reason="spider_error",status="failed"} 1.0' in lines
        assert 'spider_scheduler_run_duration_seconds{quantile="0.5"} 40.0' in lines
        assert 'spider_scheduler_firing_delay_seconds{quantile="1.0"} 2.0' in lines
        assert "spider_scheduler_queue_length 1.0" in lines
        assert "spider_scheduler_scheduler_leads 1.0" in lines
        assert "spider_scheduler_items 7.0" in lines
        assert any(line.startswith("spider_scheduler_disk_free_bytes ") for line in lines)


def test_metrics_need_a_token(client: Client, db: None) -> None:
    assert client.get("/metrics").status_code == 401

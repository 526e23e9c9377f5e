"""What the description leaves open is taken as callers are used to write it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.test import Client

from tasks.models import Run, Task

from .conftest import token_for

pytestmark = pytest.mark.django_db
CRAWL = {"user_id": "u", "spider": "shop", "start_urls": ["https://shop.example/"]}
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
def test_a_token_may_be_called_either_way(client: Client, maja: User, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {token_for(maja)}"}
    assert client.get("/api/v1/tasks", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic bWFqYTp0dWxpcA==", "Bearer", "Bearer ", "sst_x", "Token x"]
)
def test_what_is_no_token_is_401(client: Client, maja: User, header: str) -> None:
    client.force_login(maja)  # and doesn't fall back to the session
    answer = client.get("/api/v1/tasks", headers={"Authorization": header})
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)


def test_an_address_may_end_with_a_slash(api: Any, shop: Task) -> None:
    assert api.get("/tasks/").json() == api.get("/tasks").json()
    assert api.get("/tasks/shop/").json()["task_id"] == "shop"
    assert api.post("/tasks/shop/run/").status_code == 202
    assert api("POST", "//crawl/", CRAWL).status_code == 200
    assert api("GET", "//jobs/").json()["total"] == 1
    assert api("POST", "//crawl/", {}).status_code == 400
    assert api.get("/tasks/nosuch/").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/nothing/", "/api/v1//", "/jobs/a/b/"])
def test_what_is_at_no_address_is_a_problem_for_a_post_too(maja: User, path: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(maja)
    answer = strict.post(path, {})
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_a_slash_at_the_end_gives_no_way_around_the_csrf_check(maja: User, shop: Task) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(maja)
    assert strict.post("/api/v1/tasks/shop/run/").status_code == 403
    assert not Run.objects.exists()


def test_the_head_of_an_answer_can_be_asked_for(api: Any, client: Client, shop: Task) -> None:
    whole, head = api.get("/tasks/shop"), api("HEAD", "/tasks/shop")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", whole["ETag"])
    assert client.head("/api/v1/health").status_code == 503
    assert api("HEAD", "/tasks/shop/run").status_code == 405


def test_asking_for_a_head_ends_one_request_once(api: Any, shop: Task) -> None:
    """Its end closes the database connection, which middleware may still need."""
    ended: list[object] = []
    request_finished.connect(lambda **kwargs: ended.append(kwargs), weak=False, dispatch_uid="once")
    try:
        assert api("HEAD", "/tasks/shop").status_code == 200
    finally:
        request_finished.disconnect(dispatch_uid="once")
    assert len(ended) == 1


def test_a_load_balancer_may_ask_at_the_root(client: Client) -> None:
    assert client.get("/health").json().keys() == client.get("/api/v1/health").json().keys()


@pytest.mark.parametrize(
    "moment",
    [
        "2030-01-01T02:00:00%2B02:00", "2030-01-01T02:00:00+02:00", "2030-01-01T00:00:00Z",
        "2030-01-01T00:00:00", "2030-01-01 00:00", "2030-01-01",
    ],
)  # fmt: skip
def test_a_moment_may_be_written_in_several_ways(api: Any, shop: Task, moment: str) -> None:
    shown = api.get(f"/preview?cron=0 1 * * *&n=1&after={moment}").json()
    assert shown["next"] == ["2030-01-01T01:00:00+00:00"]
    api.post("/tasks/shop/run")
    assert api.get(f"/runs?until={moment}").json()["items"][0]["task_id"] == "shop"
    assert api.get(f"/runs?since={moment}").json()["items"] == []


def test_a_preview_begins_on_the_clock_of_its_zone(api: Any) -> None:
    query = "cron=0 1 * * *&n=1&after=2030-01-01T00:30&timezone=Europe/Stockholm"
    assert api.get(f"/preview?{query}").json()["next"] == ["2030-01-01T01:00:00+01:00"]


@pytest.mark.parametrize("moment", ["soon", "1893456000", "2030-02-30", "2030-01-01T25:00"])
def test_what_is_no_moment_is_refused_in_plain_words(api: Any, moment: str) -> None:
    answer = api.get(f"/runs?since={moment}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"since": ["Write a date and time such as 2026-04-02 09:30."]}


def test_a_preview_takes_a_pattern_alone_or_any_schedule(api: Any) -> None:
    body = {"cron": "0 6 * * *", "timezone": "Europe/Stockholm", "after": "2030-01-01", "n": 1}
    assert api.post("/preview", body).json()["next"] == ["2030-01-01T06:00:00+01:00"]
    for neither in ({}, {**body, "schedule": {"kind": "cron", "cron": "0 6 * * *"}}):
        assert list(api.post("/preview", neither).json()["errors"]) == ["schedule"]


@pytest.mark.parametrize(
    "path",
    [
        "/runs/nosuch",
        "/tasks/no such",
        "/jobs/no%20such/status",
        "//jobs/..%2f..%2fetc",
        "//jobs/a/b",
    ],
)
def test_what_can_be_no_id_is_not_found(api: Any, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_runs_are_filtered_by_several_statuses_and_by_task(api: Any, shop: Task) -> None:
    run = api.post("/tasks/shop/run").json()["id"]
    for query in ("status=queued,running", "status=running&status=queued", "task_id=shop"):
        assert [each["id"] for each in api.get(f"/runs?{query}").json()["items"]] == [run]
    assert api.get("/runs?status=succeeded,failed").json()["items"] == []
    assert api.get("/runs?status=succeeded,nosuch").status_code == 422


def test_a_task_without_a_spider_is_told_so(api: Any) -> None:
    answer = api.post("/tasks", {"task_id": "lamps"})
    assert (answer.status_code, answer.json()["errors"]) == (422, {"spider": ["This is needed."]})


def test_one_thing_is_asked_for_once(api: Any, shop: Task) -> None:
    answer = api.get("/runs?limit=5&limit=7")
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        {"limit": ["Give this only once."]},
    )
    assert api("GET", "//jobs?user_id=a&user_id=b").status_code == 400
    for body in ('{"note": "a", "note": "b"}', '{"note": {"x": 1, "x": 1}}'):
        answer = api.post("/tasks/shop/pause", body)
        name = "note" if '"b"' in body else "x"
        assert (answer.status_code, answer.json()["errors"]) == (
            422,
            {name: ["Give this only once."]},
        )
    assert api.get("/runs?status=failed&status=succeeded").status_code == 200

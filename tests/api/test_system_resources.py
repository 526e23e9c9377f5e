from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tasks.models import Run, SchedulerProcess, SpiderInfo

pytestmark = pytest.mark.django_db


def beat(**fields: Any) -> SchedulerProcess:
    now = timezone.now()
    values = {"host": "here", "pid": 1, "started_at": now, "seen_at": now, "is_leader": True}
    return SchedulerProcess.objects.create(name="here:1", **{**values, **fields})


def test_health_needs_no_login_and_is_well_with_a_leader(client: Client) -> None:
    beat()
    answer = client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    checks = {"database", "scheduler", "schedules", "queue", "disk", "alerts"}
    assert set(answer.json()["checks"]) == checks


@pytest.mark.parametrize("age", [None, 60])
def test_health_is_503_without_a_living_scheduler(client: Client, age: int | None) -> None:
    if age:
        beat(seen_at=timezone.now() - timedelta(seconds=age))
    answer = client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["checks"]["scheduler"]["ok"]) == (503, False)


def test_health_is_503_when_runs_wait_and_none_runs(client: Client, shop: Any) -> None:
    beat()
    queued = timezone.now() - timedelta(minutes=10)
    Run.objects.create(task_key="a", task_name="A", trigger="manual", queued_at=queued)
    assert client.get("/api/v1/health").status_code == 503


def test_status_tells_of_tasks_and_runs(api: Any, shop: Any) -> None:
    beat()
    body = api.get("/status").json()
    assert (body["running"], body["total_tasks"], body["executor"]) == (True, 1, "local")
    assert body["stats"]["jobs_executed"] == 0


def test_a_preview_gives_local_times_and_the_clock_change(api: Any) -> None:
    query = "cron=30+2+*+*+*&timezone=Europe/Stockholm&after=2026-03-28T12:00:00Z&n=2"
    body = api.get(f"/preview?{query}").json()
    assert body["next"] == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    assert body["notes"][0]["code"] == "gap"
    assert "02:30" in body["description"] or "2:30" in body["description"]


def test_a_preview_of_any_kind_of_schedule(api: Any) -> None:
    schedule = {"kind": "interval", "hours": 6, "start_at": "2026-01-01T00:00:00Z"}
    body = api.post("/preview", {"schedule": schedule, "after": "2026-01-01T01:00:00Z", "n": 1})
    assert body.json()["next"] == ["2026-01-01T06:00:00+00:00"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cron=61+*+*+*+*", "cron"),
        ("cron=*+*+*+*+*&timezone=Mars/Base", "timezone"),
        ("cron=*+*+*+*+*&n=0", "n"),
        ("cron=*+*+*+*+*&after=9999-12-31T23:59:59Z", None),
        ("cron=*+*+*+*+*&after=0001-01-01T00:00:00%2B23:00", None),
        ("", "cron"),
    ],
)
def test_a_preview_of_nonsense_is_refused(api: Any, query: str, field: str | None) -> None:
    answer = api.get(f"/preview?{query}")
    assert answer.status_code in ({422} if field else {200, 422}), answer.content
    if field:
        assert field in answer.json()["errors"]


def test_spiders_are_listed_with_what_they_take(api: Any, shop_spider: SpiderInfo) -> None:
    listed = api.get("/spiders").json()["items"]
    assert listed == [api.get("/spiders/shop").json()]
    assert listed[0]["schema"]["required"] == ["start_urls"]
    assert api.get("/spiders/nobody").status_code == 404


def test_without_login_a_request_is_401(client: Client) -> None:
    answer = client.get("/api/v1/status")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_viewer_reads_and_may_not_change(api_of: Any, viktor: User, shop: Any) -> None:
    api = api_of(viktor)
    assert api.get("/tasks").status_code == 200
    assert api.post("/tasks/shop/run").status_code == 403
    assert api.delete("/tasks/shop").status_code == 403
    assert api.patch("/tasks/shop", {"name": "x"}).status_code == 403


def test_a_token_has_only_its_scopes(api_of: Any, maja: User, shop: Any) -> None:
    api = api_of(maja, "read")
    assert api.get("/tasks/shop").status_code == 200
    assert api.post("/tasks/shop/run").status_code == 403
    assert api_of(maja, "run").post("/tasks/shop/run").status_code == 202


def test_a_session_needs_the_csrf_token_to_change(maja: User, shop: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(maja, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/api/v1/tasks").status_code == 200
    assert browser.post("/api/v1/tasks/shop/run").status_code == 403
    page = browser.get("/admin/me/").content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2][:64]
    form = browser.post("/api/v1/tasks/shop/run", {"a": "b"}, headers={"X-CSRFToken": token})
    assert form.status_code == 400
    answer = browser.post(
        "/api/v1/tasks/shop/run", content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert answer.status_code == 202


def test_a_wrong_token_does_not_fall_back_to_the_session(maja: User) -> None:
    browser = Client(headers={"Authorization": "Bearer sst_wrong"})
    browser.force_login(maja, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/api/v1/tasks").status_code == 401

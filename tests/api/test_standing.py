"""Holds, blackouts, spreading, backfills and the load of the week, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Blackout, Run, Schedule
from tasks.services.controls import current_hold
from tasks.services.undo import undo_last_change

from .conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(anna):
    return Api(anna)


def test_everything_is_held_until_a_moment_or_its_release(api):
    assert api.get("/hold").json() is None
    end = (timezone.now() + timedelta(hours=1)).isoformat()
    made = api.post("/hold", {"note": "The database moves.", "ends_at": end})
    assert (made.status_code, made.json()["author"]) == (201, "anna")
    assert api.get("/hold").json()["note"] == "The database moves."
    assert api.post("/hold", {"note": "Again"}).status_code == 409
    assert api.delete("/hold").status_code == 204
    assert current_hold() is None
    assert api.delete("/hold").status_code == 409


def test_a_blackout_is_made_changed_and_deleted(api, shop):
    night = {"name": "Nights", "weekdays": ["mon"], "start_time": "22:00", "end_time": "06:00"}
    made = api.post("/blackouts", {**night, "task_id": "shop"})
    assert made.status_code == 201, made.content
    number = made.json()["id"]
    changed = api.patch(f"/blackouts/{number}", {"weekdays": ["mon", "tue"], "task_id": None})
    assert changed.json()["weekdays"] == ["mon", "tue"]
    (shown,) = api.get("/blackouts").json()
    assert (shown["start_time"], shown["task_id"]) == ("22:00", None)
    assert api.delete(f"/blackouts/{number}").status_code == 204
    assert api.delete(f"/blackouts/{number}").status_code == 404
    assert not Blackout.objects.exists()


@pytest.mark.parametrize(
    ("path", "data", "status", "field"),
    [
        ("/hold", {"note": " "}, 422, "note"),
        ("/hold", {"note": "x", "ends_at": "2001-01-01T00:00:00Z"}, 422, "ends_at"),
        ("/blackouts", {"name": "x", "weekdays": ["someday"]}, 422, "weekdays"),
        ("/blackouts", {"name": "x", "start_time": "25:00"}, 422, "start_time"),
        ("/spread", {"task_ids": ["shop"], "seconds": -1}, 422, "seconds"),
        ("/tasks/shop/backfill", {"start": "2026-01-01T00:00:00Z", "end": "yesterday"}, 422, "end"),
    ],
)
def test_what_is_wrong_is_refused_with_the_field_named(api, shop, path, data, status, field):
    answer = api.post(path, data)
    assert 400 <= answer.status_code <= status, answer.content
    assert any(field in name for name in answer.json()["errors"])
    assert current_hold() is None
    assert not Blackout.objects.exists()


def test_starts_are_spread_after_a_look_and_taken_back(api, shop):
    seen = api.post("/spread", {"task_ids": ["shop"], "dry_run": True}).json()
    assert Schedule.objects.get().jitter == 0
    assert api.post("/spread", {"task_ids": ["shop"]}).json() == seen
    assert seen[0]["after"] > seen[0]["before"]
    assert Schedule.objects.get().jitter == 3600
    undo_last_change(task_id="shop")
    assert Schedule.objects.get().jitter == 0
    assert api.post("/spread", {"task_ids": ["gone"]}).status_code == 404


def test_a_backfill_is_counted_and_then_queued(api, shop):
    end = timezone.now()
    span = {"start": (end - timedelta(days=3)).isoformat(), "end": end.isoformat()}
    counted = api.post("/tasks/shop/backfill", {**span, "dry_run": True})
    assert (counted.status_code, counted.json()) == (202, {"runs": 3, "items": []})
    assert not Run.objects.exists()
    queued = api.post("/tasks/shop/backfill", span).json()
    assert queued["runs"] == len(queued["items"]) == 3
    assert {run["trigger"] for run in queued["items"]} == {"backfill"}


def test_the_load_of_the_week_and_what_never_runs(api, shop):
    week = api.get("/load?timezone=Asia/Tokyo").json()["week"]
    assert [day[15] for day in week] == [1] * 7
    assert api.get("/load?timezone=Moon").status_code in {400, 422}
    assert api.get("/never-runs").json() == []
    Schedule.objects.update(end_at=timezone.now() - timedelta(days=1))
    (found,) = api.get("/never-runs").json()
    assert (found["task_id"], found["code"]) == ("shop", "ended")


def test_only_those_who_may_do_it(viktor, olof, shop):
    """Viewers look; operators run for the past; holds and blackouts are for administrators."""
    viewer, operator = Api(viktor), Api(olof)
    for path, data in (
        ("/hold", {"note": "x"}),
        ("/blackouts", {"name": "x"}),
        ("/spread", {"task_ids": ["shop"]}),
    ):
        assert viewer.post(path, data).status_code == 403
        assert operator.post(path, data).status_code == 403
    assert viewer.get("/hold").status_code == viewer.get("/blackouts").status_code == 200
    end = timezone.now()
    span = {"start": (end - timedelta(days=2)).isoformat(), "end": end.isoformat()}
    assert viewer.post("/tasks/shop/backfill", span).status_code == 403
    assert operator.post("/tasks/shop/backfill", span).status_code == 202

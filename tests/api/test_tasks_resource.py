from __future__ import annotations

from typing import Any

import pytest
from django.utils.timezone import now

from tasks.models import AuditEntry, Run, Task
from tasks.services.runs import new_run

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


def test_a_task_is_created_read_changed_and_deleted(api: Any, shop_spider: Any) -> None:
    made = api.post(
        "/tasks",
        {
            "task_id": "prices",
            "name": "Prices",
            "spider": "shop",
            "arguments": {"start_urls": ["https://shop.example/"]},
            "settings": {"DOWNLOAD_DELAY": 1.5},
            "tags": ["shop"],
            "schedules": [{"kind": "cron", "cron": "0 6 * * mon-fri", "timezone": "Asia/Tokyo"}],
        },
    )
    assert made.status_code == 201, made.content
    assert made["Location"] == "/api/v1/tasks/prices"
    body = made.json()
    assert (body["owner"], body["schedule_type"], body["tags"]) == ("maja", "cron", ["shop"])
    assert body["schedules"][0]["timezone"] == "Asia/Tokyo"
    assert body["next_run_time"]
    changed = api.patch("/tasks/prices", {"name": "Other"}, **{"If-Match": made["ETag"]})
    assert changed.json()["name"] == "Other"
    assert api.get("/tasks/prices").json()["settings"] == {"DOWNLOAD_DELAY": 1.5}
    assert api.delete("/tasks/prices").status_code == 204
    assert api.get("/tasks/prices").status_code == 404
    assert {"api"} == set(
        AuditEntry.objects.filter(task_key="prices").values_list("via", flat=True)
    )


def test_a_change_on_an_old_version_is_refused(api: Any, shop: Task) -> None:
    old = api.get("/tasks/shop")["ETag"]
    api.patch("/tasks/shop", {"name": "First"})
    answer = api.patch("/tasks/shop", {"name": "Second"}, **{"If-Match": old})
    assert (answer.status_code, answer["Content-Type"]) == (412, PROBLEM)
    assert api.get("/tasks/shop").json()["name"] == "First"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"spider": "shop", "colour": "red"}, "colour"),
        ({"spider": "shop", "name": "a\x00b"}, "name"),
        ({"spider": "shop", "timeout": 10**12}, "timeout"),
        ({"spider": "shop", "timeout": "60"}, "timeout"),
        ({"spider": "shop", "name": None}, "name"),
        ({"spider": "nobody", "name": "x"}, "spider"),
        ({"name": "x", "spider": "shop", "arguments": {"colour": 1}}, "arguments.colour"),
        ({"name": "x", "spider": "shop", "settings": {"ITEM_PIPELINES": "x"}},
         "settings.ITEM_PIPELINES"),
        ({"name": "x", "spider": "shop", "arguments": {"start_urls": ["https://a.example"]},
          "schedules": [{"kind": "cron", "cron": "61 * * * *"}]}, "schedules.0.cron"),
        ({"name": "x", "spider": "shop", "schedules": [{"kind": "cron", "hour": 1}]},
         "schedules.0.hour"),
    ],
)  # fmt: skip
def test_wrong_input_names_its_field_and_saves_nothing(
    api: Any, shop_spider: Any, body: dict[str, Any], field: str
) -> None:
    answer = api.post("/tasks", body)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM), answer.content
    assert field in answer.json()["errors"]
    assert field in answer.json()["detail"]
    assert not Task.objects.exists()


@pytest.mark.parametrize("text", ["{", "NaN", '{"name": NaN}', "[" * 100_000, '{"a": ' * 9000])
def test_what_is_not_json_is_refused(api: Any, text: str) -> None:
    answer = api.post("/tasks", text)
    assert answer.status_code in {400, 422}
    assert answer["Content-Type"] == PROBLEM


def test_a_task_is_paused_with_a_note_and_resumed(api: Any, shop: Task) -> None:
    paused = api.post("/tasks/shop/pause", {"note": "Rebuilt until Monday"}).json()
    assert (paused["enabled"], paused["disabled_note"]) == (False, "Rebuilt until Monday")
    assert paused["next_run_time"] is None
    assert api.post("/tasks/shop/resume").json()["enabled"] is True


def test_a_run_is_started_once_and_the_second_wish_names_the_first(api: Any, shop: Task) -> None:
    first = api.post("/tasks/shop/run")
    assert (first.status_code, first.json()["trigger"]) == (202, "api")
    second = api.post("/tasks/shop/run")
    assert (second.status_code, second.json()["run_id"]) == (409, first.json()["id"])
    assert Run.objects.count() == 1


def test_tasks_come_in_pages_that_hold_each_exactly_once(api: Any, shop_spider: Any) -> None:
    names = [f"task-{number:02}" for number in range(7)]
    Task.objects.bulk_create(
        Task(task_id=name, name="same" if number < 4 else name, spider="shop")
        for number, name in enumerate(names)
    )
    for order in ("name", "-name", "-created_at"):
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            query = f"/tasks?limit=2&order={order}" + (f"&cursor={cursor}" if cursor else "")
            body = api.get(query).json()
            seen += [task["task_id"] for task in body["items"]]
            cursor = body["next"]
        assert sorted(seen) == names


@pytest.mark.parametrize(
    "query", ["cursor=abc", "limit=0", "limit=9999", "order=owner", "colour=red", "search=%00"]
)
def test_a_wrong_query_names_its_parameter(api: Any, query: str) -> None:
    answer = api.get(f"/tasks?{query}")
    assert answer.status_code == 422, answer.content
    assert query.partition("=")[0] in answer.json()["errors"]


def test_tasks_are_found_by_state_tag_and_words(api: Any, shop: Task) -> None:
    Task.objects.create(task_id="off", name="Off", spider="other", enabled=False)
    found = {
        query: [task["task_id"] for task in api.get(f"/tasks?{query}").json()["items"]]
        for query in ("enabled=true", "enabled=false", "search=PRICES", "spider=other")
    }
    assert found == {
        "enabled=true": ["shop"],
        "enabled=false": ["off"],
        "search=PRICES": ["shop"],
        "spider=other": ["off"],
    }


def test_secrets_never_leave(api: Any, shop: Task) -> None:
    arguments = {"start_urls": ["https://shop.example/"], "password": "tulip"}
    changed = api.patch("/tasks/shop", {"arguments": arguments})
    run = api.post("/tasks/shop/run")
    for answer in (changed, run, api.get("/runs"), api.get("/tasks")):
        assert answer.status_code in {200, 202}
        assert b"tulip" not in answer.content
        assert b"password" in answer.content


def test_the_list_needs_few_queries(
    api: Any, shop: Task, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        Task.objects.create(task_id=f"t{number}", name=f"T{number}", spider="shop")
    with django_assert_max_num_queries(9):
        assert len(api.get("/tasks").json()["items"]) == 6


@pytest.mark.parametrize(
    ("body", "field", "english", "german"),
    [
        ({"colour": 1}, "colour", "There is no field of this name.", "gibt es nicht"),
        ({"name": ""}, "name", "This is needed.", "wird gebraucht"),
        ({"name": "x" * 201}, "name", "Enter at most 200 characters.", "200 Zeichen"),
        ({"name": 5}, "name", "This is not of the kind that is expected (text).", "(Text)"),
        ({"timeout": -1}, "timeout", "Enter 0 or more.", "0 oder mehr"),
        ({"priority": 101}, "priority", "Enter 100 or less.", "100 oder weniger"),
        ({"kind": "robot"}, "kind", "Choose one of: 'spider', ", "'spider', "),
        ({"task_id": "a b"}, "task_id", "This is not in the form that is expected.", "Form"),
    ],
)
def test_refusals_speak_as_the_forms_do(
    api: Any, shop_spider: Any, body: Any, field: str, english: str, german: str
) -> None:
    for language, words in (("en", english), ("de", german)):
        answer = api.post("/tasks", body, **{"Accept-Language": language})
        assert answer.status_code == 422
        assert words in answer.json()["errors"][field][0]


def test_alerts_are_set_and_refused_by_field(api: Any, shop: Task) -> None:
    given = {"alert_to": ["maja@company.example"], "alert_on": ["missed", "failed"]}
    assert api.patch("/tasks/shop", given).json()["alert_on"] == ["failed", "missed"]
    assert api.get("/tasks/shop").json()["alert_to"] == ["maja@company.example"]
    wrong = api.patch("/tasks/shop", {"alert_to": ["maja"]})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["alert_to"])
    assert api.patch("/tasks/shop", {"alert_on": ["often"]}).status_code == 422


def test_a_tasks_runs_are_counted_with_the_last_error(api: Any, shop: Task) -> None:
    counted = {f"jobs_{each}": 0 for each in ("executed", "failed", "missed", "skipped")}
    assert api.get("/tasks/shop/stats").json() == {**counted, "last_error": None}
    run = new_run(shop, trigger="manual", status="failed", reason="blocked", finished_at=now())
    run.save(force_insert=True)
    told = api.get("/tasks/shop/stats").json()
    assert (told["jobs_executed"], told["jobs_failed"]) == (1, 1)
    assert (told["last_error"]["run_id"], told["last_error"]["exception"]) == (
        str(run.pk),
        "blocked",
    )
    assert api.get("/tasks/nosuch/stats").status_code == 404


@pytest.mark.parametrize(("body", "ignores"), [({"ignore_cache": True}, True), ({}, False)])
def test_a_run_reads_each_page_anew_where_told_so(
    api: Any, shop: Task, body: dict[str, bool], ignores: bool
) -> None:
    assert api.post("/tasks/shop/run", body).status_code == 202
    assert Run.objects.get().ignore_cache is ignores

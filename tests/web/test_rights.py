"""Every address of the site with the least group that may use it: that one may, and the one below
may not. An address without a row fails the test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from tasks.api.app import api
from tasks.api.groups import LEAST
from tasks.models import ApiToken, Blackout, DataLink, Hold, Run, SpiderInfo, Task
from tasks.services.tasks import create_task, update_task

# From the least to the most; "stranger" is logged in and in no group.
RANKS = ("stranger", "viktor", "olof", "maja", "anna")
ALL, VIEW, OPERATE, EDIT, ADMIN, NONE = 0, 1, 2, 3, 4, 5
SPIDER = {"name": "N", "task_id": "new", "spider": "shop"}
CRAWL = {"user_id": "u", "spider": "shop", "start_urls": ["https://shop.example/"], "depth": 1}

PAGES = [
    ("admin/", "GET", VIEW),
    ("admin/live/", "GET", VIEW),
    ("admin/preview/", "GET", VIEW),
    ("admin/arguments/?spider=shop", "GET", VIEW),
    ("admin/spiders/", "GET", VIEW),
    ("admin/spiders/help/", "GET", ALL),
    ("admin/tour/end/", "POST", ALL),
    ("admin/me/", "GET POST", ALL),
    ("admin/me/tokens/", "GET POST", ALL),
    ("admin/password_change/", "GET POST", ALL),
    ("admin/password_change/done/", "GET", ALL),
    ("admin/jsi18n/", "GET", ALL),
    ("admin/login/", "GET POST", ALL),
    ("admin/me/tokens/<int:pk>/revoke/", "POST", ADMIN),
    ("admin/autocomplete/", "GET", NONE),
    ("admin/r/<path:content_type_id>/<path:object_id>/", "GET", NONE),
    ("admin/files/", "GET", VIEW),
    ("admin/files/tasks.<str:ending>", "GET", VIEW),
    ("admin/clean-up/", "GET POST", ADMIN),
    ("admin/people/<int:pk>/delete/", "POST", ADMIN),
    ("admin/holds/release/", "POST", ADMIN),
    ("admin/blackouts/<int:pk>/delete/", "POST", ADMIN),
    ("admin/data/<int:pk>/revoke/", "POST", EDIT),
    ("admin/tasks/task/", "GET", VIEW),
    ("admin/tasks/task/", "POST", OPERATE, {"action": "off", "selected": "{task}"}),
    ("admin/tasks/task/", "POST", OPERATE, {"switch": "{task}:0"}),
    ("admin/tasks/task/", "POST", OPERATE, {"action": "run", "selected": "{task}"}),
    ("admin/tasks/task/", "POST", EDIT, {"action": "tag", "selected": "{task}"}),
    ("admin/tasks/task/", "POST", EDIT, {"action": "stagger", "selected": "{task}"}),
    ("admin/tasks/task/", "POST", EDIT, {"action": "delete", "selected": "{task}"}),
    ("admin/tasks/task/add/", "GET POST", EDIT),
    ("admin/tasks/task/from-spreadsheet/", "GET POST", EDIT),
    ("admin/tasks/task/<int:pk>/run/", "POST", OPERATE),
    ("admin/tasks/task/<int:pk>/test/", "POST", OPERATE),
    ("admin/tasks/task/<int:pk>/switch/", "POST", OPERATE),
    ("admin/tasks/task/<int:pk>/backfill/", "GET POST", OPERATE),
    ("admin/tasks/task/<int:pk>/figures/", "GET", VIEW),
    ("admin/tasks/task/<int:pk>/copy/", "POST", EDIT),
    ("admin/tasks/task/<int:pk>/data/", "GET POST", EDIT),
    ("admin/tasks/task/<int:pk>/undo/", "POST", EDIT),
    ("admin/tasks/task/<path:object_id>/change/", "GET", VIEW),
    ("admin/tasks/task/<path:object_id>/change/", "POST", EDIT),
    ("admin/tasks/task/<path:object_id>/delete/", "GET POST", EDIT),
    ("admin/tasks/task/<path:object_id>/history/", "GET", EDIT),
    ("admin/tasks/run/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/live/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/log/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/log/file/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/items/<slug:form>/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/file/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/bundle/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/failing-page/", "GET", VIEW),
    ("admin/tasks/run/<uuid:run_id>/stop/", "POST", OPERATE),
    ("admin/tasks/run/<uuid:run_id>/again/", "POST", OPERATE),
    ("admin/tasks/run/add/", "GET POST", NONE),
    ("admin/tasks/run/<path:object_id>/delete/", "GET POST", NONE),
    ("admin/tasks/run/<path:object_id>/history/", "GET", NONE),
    ("admin/tasks/blackout/", "GET", VIEW),
    ("admin/tasks/blackout/add/", "GET POST", ADMIN),
    ("admin/tasks/blackout/<path:object_id>/change/", "GET POST", ADMIN),
    ("admin/tasks/blackout/<path:object_id>/delete/", "GET POST", NONE),
    ("admin/tasks/blackout/<path:object_id>/history/", "GET", NONE),
    ("admin/tasks/hold/", "GET POST", ADMIN),
    ("admin/tasks/hold/add/", "GET POST", NONE),
    ("admin/tasks/hold/<path:object_id>/change/", "GET POST", NONE),
    ("admin/tasks/hold/<path:object_id>/delete/", "GET POST", NONE),
    ("admin/tasks/hold/<path:object_id>/history/", "GET", NONE),
    ("admin/tasks/auditentry/", "GET", EDIT),
    ("admin/tasks/auditentry/add/", "GET POST", NONE),
    ("admin/tasks/auditentry/<path:object_id>/change/", "GET POST", NONE),
    ("admin/tasks/auditentry/<path:object_id>/delete/", "GET POST", NONE),
    ("admin/tasks/auditentry/<path:object_id>/history/", "GET", NONE),
    ("admin/auth/user/", "GET", ADMIN),
    ("admin/auth/user/add/", "GET POST", ADMIN),
    ("admin/auth/user/<path:object_id>/change/", "GET POST", ADMIN),
    ("admin/auth/user/<path:object_id>/delete/", "GET POST", NONE),
    ("admin/auth/user/<path:object_id>/history/", "GET", NONE),
]
# Of the API the product says it itself; what is sent where a body is needed:
BODIES = {
    ("POST", "/tasks"): SPIDER,
    ("PATCH", "/tasks/{task_id}"): {"name": "Other"},
    ("POST", "/tasks/{task_id}/backfill"): {"start": "{then}", "end": "{now}"},
    ("POST", "/tasks/{task_id}/data-links"): {"name": "x"},
    ("POST", "/task-file"): {"text": json.dumps({"tasks": [SPIDER]})},
    ("POST", "/hold"): {"note": "x"},
    ("POST", "/blackouts"): {"name": "x"},
    ("PATCH", "/blackouts/{number}"): {"name": "x"},
    ("POST", "/spread"): {"task_ids": ["shoes"]},
    ("POST", "/crawl"): CRAWL,
    ("PATCH", "/jobs/{job_id}"): {"interval": "0 9 * * *"},
    ("POST", "/search"): {"query": "x", "interval_hours": 5},
    ("POST", "/export"): {"search_id": "shoes", "cron_expression": "0 9 * * *"},
}
GROUPS = ("", "Viewer", "Operator", "Editor", "Administrator")
API = [
    *(
        (route, method, GROUPS.index(group), BODIES.get((method, route)))
        for (method, route), group in LEAST.items()
    ),
    ("/crawl", "POST", EDIT, {**CRAWL, "interval": "0 9 * * *"}),
]


@pytest.fixture
def house(people):
    """One of each thing, and whoever asks for it. The administrator is no superuser."""
    now = timezone.now()
    User.objects.filter(pk=people.anna.pk).update(is_superuser=False)
    User.objects.create_user("stranger", is_staff=True)
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=now)
    task = create_task(task_id="shoes", name="Shoes", spider="shop",
                       schedules=[{"kind": "cron", "cron": "0 9 * * *"}])  # fmt: skip
    update_task(task_id="shoes", name="Boots")
    run = Run.objects.create(task=task, task_key="shoes", task_name="Boots", spider="shop",
                             status="failed", trigger="schedule", reason="timeout",
                             started_at=now, finished_at=now)  # fmt: skip
    other = User.objects.create_user("zoe", is_staff=True)
    return SimpleNamespace(
        task=task,
        run=run,
        link=DataLink.objects.create(task=task, digest="x", created_by="maja"),
        token=ApiToken.objects.create(
            user=other, name="t", prefix="p", digest="y", scopes=["read"]
        ),
        hold=Hold.objects.create(note="x", author="anna", starts_at=now),
        blackout=Blackout.objects.create(name="N", start_time="22:00", end_time="23:00"),
        other=other,
        then=(now - timedelta(days=2)).isoformat(),
        now=now.isoformat(),
    )


def address(route: str, house: SimpleNamespace) -> str:
    of_path = {
        "people": house.other, "tokens": house.token, "admin/data": house.link,
        "blackout": house.blackout, "user": house.other, "hold": house.hold, "task/": house.task,
    }  # fmt: skip
    thing = next((each for part, each in of_path.items() if part in route), house.run)
    values = {
        "run_id": house.run.pk, "job_id": house.task.task_id, "task_id": house.task.task_id,
        "link_id": house.link.pk, "number": house.blackout.pk, "form": "csv", "ending": "yaml",
        "content_type_id": 1, "name": "shop",
    }  # fmt: skip
    return "/" + re.sub(
        r"[<{](?:\w+:)?(\w+)[>}]", lambda match: str(values.get(match[1], thing.pk)), route
    )


def answer(house: SimpleNamespace, rank: int, method: str, url: str, body: object) -> int:
    client = Client(raise_request_exception=False)
    user = User.objects.get(username=RANKS[rank])
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    with transaction.atomic():
        if url.startswith("/admin"):
            data = {
                k: str(v).replace("{task}", str(house.task.pk)) for k, v in (body or {}).items()
            }
            found = client.get(url) if method == "GET" else client.post(url, data)
        else:
            text = json.dumps(body or {}).replace("{then}", house.then).replace("{now}", house.now)
            given = {"data": text, "content_type": "application/json"} if method != "GET" else {}
            found = getattr(client, method.lower())(url, **given)
        transaction.set_rollback(True)
    return int(found.status_code)


def rows() -> Iterator[tuple[str, str, int, object]]:
    for prefix, table in (("", PAGES), ("api/v1", API)):
        for route, methods, least, *body in table:
            for method in methods.split():
                yield prefix + route, method, least, body[0] if body else None


def test_each_group_has_exactly_its_pages_buttons_and_operations(house):
    wrong = []
    for route, method, least, body in rows():
        url = address(route, house)
        if least > 0 and (code := answer(house, least - 1, method, url, body)) not in {403, 404}:
            wrong.append(f"{method} {route}: {RANKS[least - 1]} got {code}")
        if least < len(RANKS) and (code := answer(house, least, method, url, body)) in {403, 500}:
            wrong.append(f"{method} {route}: {RANKS[least]} got {code}")
    assert not wrong, "\n".join(wrong)


def routes(patterns, before: str = "") -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, before + str(each.pattern))
        elif isinstance(each, URLPattern):
            yield before + str(each.pattern)


def test_every_page_has_its_row():
    known = {route.partition("?")[0] for route, *_ in PAGES}
    # They lead elsewhere, log out, or catch what has no address.
    plain = {
        "admin/logout/", "admin/(?P<url>.*)$", "admin/tasks/run/<path:object_id>/change/",
        "admin/^(?P<app_label>tasks|auth)/$",
    }  # fmt: skip
    there = {route for route in routes(get_resolver().url_patterns) if route.startswith("admin/")}
    assert {r for r in there - known - plain if not r.endswith("/<path:object_id>/")} == set()


def test_every_operation_of_the_api_has_its_row():
    there = {
        (method, path)
        for _prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }
    assert there == set(LEAST)


def test_who_is_not_logged_in_reaches_nothing(house, client):
    for route, method, _least, _body in rows():
        url = address(route, house)
        if "login" in route or "/health" in route:
            continue
        found = getattr(client, method.lower())(url)
        login = found.status_code == 302 and found["Location"].startswith("/admin/login/")
        assert login or found.status_code == 401, f"{method} {route}: {found.status_code}"
        assert Run.objects.count() == Task.objects.count() == 1

"""Rows that were written past the services, by a fixture or in SQL: pages say so and go on."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from tasks.models import Schedule, SpiderInfo
from tasks.services.tasks import create_task


@pytest.fixture(params=[{"cron": "61 * * * *"}, {"timezone": "Mars/Olympus"}], ids=["cron", "zone"])
def task(db, request):
    SpiderInfo.objects.create(name="shop", title="Shop", schema={}, seen_at=timezone.now())
    task = create_task(
        task_id="shoes", name="Shoes", spider="shop",
        schedules=[{"kind": "cron", "cron": "0 * * * *", "timezone": "UTC"}],
    )  # fmt: skip
    Schedule.objects.filter(task=task).update(**request.param)
    return task


@pytest.mark.parametrize("name", ["admin:index", "admin:tasks_task_changelist"])
def test_lists_go_on_and_name_the_task(client, olof, task, name):
    client.force_login(olof)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert "Shoes" in answer.content.decode()


@pytest.mark.parametrize("name", ["change", "history"])
def test_its_own_pages_open(client, anna, task, name):
    client.force_login(anna)
    assert client.get(reverse(f"admin:tasks_task_{name}", args=[task.pk])).status_code == 200


def test_the_command_line_goes_on(task):
    out = StringIO()
    call_command("tasks", "list", stdout=out)
    assert "shoes" in out.getvalue()
    call_command("tasks", "show", "shoes", stdout=out)


def test_the_api_goes_on(client, anna, task):
    client.force_login(anna)
    assert client.get("/api/v1/tasks").status_code == 200
    assert client.get("/api/v1/tasks/shoes").status_code == 200

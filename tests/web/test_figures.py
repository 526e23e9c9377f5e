"""A task's runs in numbers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run, Task


@pytest.fixture
def task(db):
    return Task.objects.create(task_id="shoes", name="Shoes", spider="shop")


def add(task, status, days, slots=1):
    at = timezone.now() - timedelta(days=days)
    Run.objects.create(
        task=task, task_key="shoes", task_name="Shoes", spider="shop", trigger="schedule",
        status=status, at=at, slots=slots,
    )  # fmt: skip


def table(client, task):
    page = client.get(reverse("admin:tasks_task_figures", args=[task.pk])).content.decode()
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    cells = {name: re.findall(r"<td.*?</td>", rest, re.DOTALL) for name, rest in rows}
    return {name: [re.sub("<.*?>", "", each) for each in found] for name, found in cells.items()}


def test_each_outcome_is_counted_for_a_week_a_month_and_all(client, maja, task):
    for status, days in [("succeeded", 0), ("succeeded", 20), ("succeeded", 90), ("failed", 8)]:
        add(task, status, days)
    add(task, "missed", 1, slots=1_440)
    other = Task.objects.create(task_id="boots", name="Boots", spider="shop")
    add(other, "failed", 0)
    client.force_login(maja)
    shown = table(client, task)
    assert shown["Finished"] == ["1", "2", "3"]
    assert shown["Failed"] == ["0", "1", "1"]
    assert shown["Missed"] == ["1,440", "1,440", "1,440"]
    assert shown["Stopped"] == ["0", "0", "0"]


def test_a_number_leads_to_its_runs(client, maja, task):
    add(task, "failed", 0)
    add(task, "failed", 8)
    client.force_login(maja)
    page = client.get(reverse("admin:tasks_task_figures", args=[task.pk])).content.decode()
    links = re.findall(r'<a href="(/admin/tasks/run/\?[^"]+outcome=failed[^"]*)">(\d)</a>', page)
    for link, number in links:
        listed = client.get(link.replace("&amp;", "&")).content.decode()
        assert listed.count('class="field-col_state"') == int(number)
    assert [number for _link, number in links] == ["1", "2", "2"]


def test_the_history_of_a_task_and_its_runs_lead_there(client, maja, task):
    add(task, "failed", 0)
    client.force_login(maja)
    there = reverse("admin:tasks_task_figures", args=[task.pk])
    history = reverse("admin:tasks_run_changelist")
    run = reverse("admin:tasks_run_page", args=[Run.objects.get().pk])
    for page in [f"{history}?task=shoes", run]:
        assert there in client.get(page).content.decode()
    for page in [history, f"{history}?task=gone"]:
        assert "/figures/" not in client.get(page).content.decode()


def test_a_task_that_is_gone_has_no_figures(client, maja, task):
    client.force_login(maja)
    assert client.get(reverse("admin:tasks_task_figures", args=[task.pk + 1])).status_code == 404

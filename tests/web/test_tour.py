"""First steps, as far as somebody has come on an empty installation."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run, SpiderInfo
from tasks.services.tasks import create_task, enable_task

ADD = reverse("admin:tasks_task_add")
END = reverse("admin:tour_end")


@pytest.fixture
def spider(db):
    return SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())


def add_task(name="shoes"):
    return create_task(task_id=name, name=name, spider="shop", enabled=False)


def a_run(task):
    now = timezone.now()
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status="succeeded",
        trigger="test", at=now, started_at=now, finished_at=now,
    )  # fmt: skip


@pytest.fixture
def look(client, maja, spider):
    client.force_login(maja)

    def read(name, *args):
        return client.get(reverse(f"admin:{name}", args=args)).content.decode()

    return read


def test_it_goes_along_with_what_is_done(look):
    page = look("tasks_task_add")
    assert "Name the task, choose a spider" in page
    assert page.count('aria-current="step"') == 1
    task = add_task()
    page = look("index")
    assert "Press “Test run” at the bottom" in page
    assert reverse("admin:tasks_task_change", args=[task.pk]) in page
    run = a_run(task)
    assert "To the run" in look("tasks_task_changelist")
    page = look("tasks_run_page", run.pk)
    assert "press “Looks right, switch it on”" in page
    assert "To the run" not in page
    enable_task(task_id=task.task_id)
    assert "That is all." in look("tasks_run_page", run.pk)


def test_it_ends_for_good_on_one_press(client, look, maja):
    assert "First steps" in look("tasks_task_add")
    assert client.get(END).status_code == 405
    answer = client.post(END, {"next": ADD})
    assert answer["Location"] == ADD
    assert "First steps" not in look("tasks_task_add")
    maja.refresh_from_db()
    assert maja.profile.tour_done


def test_it_bothers_nobody_else(client, look, viktor):
    assert "First steps" not in look("index")  # it welcomes with the same steps
    assert "First steps" not in look("spiders")
    add_task()
    add_task("boots")
    assert "First steps" not in look("tasks_task_add")
    client.force_login(viktor)
    assert "First steps" not in look("tasks_task_changelist")

"""What a page offers when something went wrong, pressed in a real browser."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.models import Run, SpiderInfo, Task
from tasks.services.tasks import create_task

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def task(transactional_db):
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())
    return create_task(task_id="shoes", name="Shoes", spider="shop")


def failed(task, reason="blocked"):
    now = timezone.now()
    run = Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status="failed",
        trigger="schedule", at=now, started_at=now, finished_at=now, reason=reason,
        detail={"code": 403},
    )  # fmt: skip
    return reverse("admin:tasks_run_page", args=[run.pk])


def test_a_refusing_website_is_slowed_down_for_in_two_presses(pages, task):
    page = pages.open(failed(task))
    page.get_by_role("link", name="Slow it down").click()
    field = page.locator("[name=set_DOWNLOAD_DELAY]")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("is saved")).to_be_visible()
    assert Task.objects.get().settings == {"DOWNLOAD_DELAY": 2.5}
    assert page.complaints == []


def test_the_field_is_open_without_scripts_too(pages, task):
    page = pages.open(failed(task, "memory"), java_script_enabled=False)
    page.get_by_role("link", name="Read fewer pages").click()
    expect(page.locator("[name=set_CLOSESPIDER_PAGECOUNT]")).to_be_visible()


def test_later_is_one_press_from_home(pages, task):
    failed(task, "site_error")
    page = pages.open()
    page.get_by_role("button", name="Try again in an hour").click()
    expect(page.locator("h1")).to_contain_text("Waiting until its time")
    assert Run.objects.get(status="queued").not_before > timezone.now()

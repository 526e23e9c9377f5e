"""What people do while the page, its scripts or an answer are still on their way."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.models import Run, SpiderInfo
from tasks.services.tasks import create_task
from tests.waiting import wait_until

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.any_database]

FIELDS = {
    "start_urls": {"type": "array", "items": {"type": "string"}, "title": "Pages to read"},
    "most": {"type": "integer", "title": "Most pages", "default": 7},
}
LIVE = re.compile(r"/live/$")


@pytest.fixture
def task(transactional_db):
    now = timezone.now()
    for name in ["shop", "shelf"]:
        schema = {"type": "object", "properties": FIELDS}
        SpiderInfo.objects.create(
            name=name, title=name.title(), description=f"Reads a {name}.", schema=schema,
            seen_at=now,
        )  # fmt: skip
    times = {"kind": "cron", "cron": "30 6 * * 1-5", "timezone": "Europe/Stockholm",
             "start_at": "2026-01-02T10:00:00+00:00", "jitter": 300}  # fmt: skip
    return create_task(
        task_id="shoes", name="Shoes", spider="shop", schedules=[times],
        arguments={"start_urls": ["https://a.example/", "https://b.example/"]},
    )  # fmt: skip


@pytest.fixture
def run(task):
    now = timezone.now()
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status="running",
        trigger="manual", at=now, started_at=now, items=3, pages=2,
    )  # fmt: skip


def address(task):
    return reverse("admin:tasks_task_change", args=[task.pk])


def hold(page, what):
    """What is asked for waits in this list until somebody lets it go."""
    held = []

    def keep(route):
        held.append(route)

    page.route(what, keep)
    return held


def open_before_its_script(pages, path, script):
    page = pages.open("/admin/me/")
    held = hold(page, re.compile(rf"/{script}(\.\w+)?\.js"))
    with page.expect_request(re.compile(rf"/{script}(\.\w+)?\.js")):
        page.goto(pages.url + path, wait_until="commit")
    return page, held


def go_with_its_clock(page, pages, run):
    page.clock.install(time=timezone.now())
    page.goto(pages.url + reverse("admin:tasks_run_page", args=[run.pk]))
    page.clock.pause_at(timezone.now() + timedelta(hours=1))


def take(page, held):
    # Playwright hands requests over while it is asked for something.
    wait_until(lambda: page.evaluate("true") and held)
    return held.pop()


def let_go(page, held):
    take(page, held).continue_()


def test_what_is_typed_before_the_scripts_have_come_counts_as_not_saved(pages, task):
    page, held = open_before_its_script(pages, address(task), "form")
    page.get_by_label("Task name").fill("Boots")
    let_go(page, held)
    expect(page.locator("#dirty")).to_have_text("Not saved yet")
    assert page.complaints == []


def test_a_spider_that_is_chosen_before_the_scripts_have_come_brings_its_fields(pages, task):
    page, held = open_before_its_script(pages, reverse("admin:tasks_task_add"), "form")
    page.get_by_label("Spider", exact=True).select_option("shop")
    let_go(page, held)
    expect(page.locator("[name=arg_start_urls]")).to_be_visible()
    assert page.complaints == []


def test_times_that_are_chosen_before_the_scripts_have_come_are_previewed(pages, task):
    page, held = open_before_its_script(pages, address(task), "form")
    page.get_by_role("radio", name="Weekly", exact=True).check()
    page.get_by_label("Sunday", exact=True).check()
    let_go(page, held)
    expect(page.locator(".sp-say")).to_contain_text("Sundays at")


def test_a_page_that_nobody_changed_has_nothing_to_save(pages, task):
    page = pages.open(address(task))
    page.get_by_text("More about this time").click()
    expect(page.get_by_label("Not before")).not_to_have_value("")
    assert page.locator("#dirty").inner_text() == ""


def test_all_tasks_that_are_ticked_before_the_scripts_have_come_stay_ticked(pages, task):
    create_task(task_id="hats", name="Hats", spider="shop")
    path = reverse("admin:tasks_task_changelist")
    page, held = open_before_its_script(pages, path, "list")
    page.get_by_label("Select all tasks on this page").check()
    let_go(page, held)
    expect(page.get_by_text("2 selected")).to_be_visible()
    expect(page.get_by_label("Select Hats")).to_be_checked()


def test_what_is_typed_while_another_spiders_fields_are_on_their_way_is_kept(pages, task):
    page = pages.open(address(task))
    held = hold(page, re.compile("/arguments/"))
    with page.expect_request(re.compile("/arguments/")):
        page.get_by_label("Spider", exact=True).select_option("shelf")
    field = page.get_by_label("Pages to read")
    field.fill("https://typed.example/")
    let_go(page, held)
    expect(page.get_by_text("Reads a shelf.")).to_be_visible()
    expect(page.get_by_label("Most pages")).to_have_value("7")
    expect(field).to_have_value("https://typed.example/")
    expect(field).to_be_focused()


def test_the_end_of_a_run_does_not_call_off_what_was_pressed(pages, run):
    page = pages.open("/admin/me/")
    go_with_its_clock(page, pages, run)
    # As a press does. Playwright itself would wait for the page that comes of one.
    page.evaluate("dispatchEvent(new Event('beforeunload'))")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    Run.objects.update(status="succeeded", finished_at=timezone.now(), items=214)
    page.clock.run_for(6000)
    assert not any(map(LIVE.search, asked))
    page.clock.run_for(12_000)
    expect(page.locator("h1")).to_contain_text("Finished: 214 items")


def test_one_answer_is_waited_for_before_the_next_question(pages, run):
    """Of two, the answer to the earlier one could come last, and take the page back."""
    page = pages.open("/admin/me/")
    held = hold(page, LIVE)
    go_with_its_clock(page, pages, run)
    page.clock.run_for(6000)
    wait_until(lambda: page.evaluate("true") and held)
    page.evaluate("document.dispatchEvent(new CustomEvent('sp:ended'))")
    assert len(held) == 1
    Run.objects.update(items=77)
    with page.expect_request(LIVE):
        let_go(page, held)
    let_go(page, held)
    expect(page.locator("h1")).to_contain_text("Running: 77 items")


def test_a_question_that_fails_after_somebody_paused_says_nothing(pages, run):
    page = pages.open("/admin/me/")
    held = hold(page, re.compile(r"/log/\?after="))
    with page.expect_request(re.compile(r"/log/\?after=")):
        page.goto(pages.url + reverse("admin:tasks_run_page", args=[run.pk]))
    page.get_by_role("button", name="Follow").click()
    state = page.locator("[data-log-state]")
    expect(state).to_contain_text("Paused")
    with page.expect_event("requestfailed"):
        take(page, held).abort()
    expect(state).to_contain_text("Paused")


def test_an_answer_that_never_comes_is_asked_for_again(pages, run):
    """A server that hangs, or a connection that nobody closed, would end the log for good."""
    page = pages.open("/admin/me/")
    held = hold(page, re.compile(r"/log/\?after="))
    page.clock.install()
    page.goto(pages.url + reverse("admin:tasks_run_page", args=[run.pk]))
    take(page, held)
    page.clock.run_for(15_000)
    expect(page.locator("[data-log-state]")).to_contain_text("lost")
    page.clock.run_for(6000)
    let_go(page, held)
    expect(page.locator("[data-log-state]")).to_contain_text("Following")

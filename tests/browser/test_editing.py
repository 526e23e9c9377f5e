"""Changing a task in a real browser: beside others, after a deploy, and back again."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.models import SpiderInfo, Task
from tasks.services.tasks import create_task
from tests.people import PASSWORD, person

pytestmark = pytest.mark.needs("chromium")

SCHEMA = {
    "type": "object",
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}, "title": "Pages to read"},
        "colour": {"type": "string", "title": "Colour"},
    },
}


@pytest.fixture
def task(transactional_db):
    SpiderInfo.objects.create(name="shop", title="Shop", schema=SCHEMA, seen_at=timezone.now())
    return create_task(
        task_id="shoes", name="Shoes", spider="shop",
        arguments={"start_urls": ["https://s.example/"], "colour": "red"},
        schedules=[{"kind": "cron", "cron": "0 9 * * *", "timezone": "UTC"}],
    )  # fmt: skip


def address(task):
    return reverse("admin:tasks_task_change", args=[task.pk])


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()


def test_two_people_who_change_the_same_task_hear_of_each_other(pages, task):
    person("Anna", "Berg", "Administrator")
    mine, theirs = pages.open(address(task)), pages.open("/admin/me/")
    theirs.context.clear_cookies()
    pages.log_in(theirs, address(task), "anna")
    theirs.get_by_label("Task name").fill("Boots")
    save(theirs)
    expect(theirs.get_by_text("is saved")).to_be_visible()
    mine.get_by_label("Task name").fill("Sandals")
    save(mine)
    alert = mine.get_by_role("alert")
    expect(alert).to_contain_text("Anna Berg")
    expect(mine.get_by_label("Task name")).to_have_value("Sandals")
    assert Task.objects.get().name == "Boots"
    alert.get_by_role("button", name="Save mine anyway").click()
    expect(mine.get_by_text("is saved")).to_be_visible()
    assert Task.objects.get().name == "Sandals"
    assert mine.complaints == theirs.complaints == []


def test_what_the_spider_no_longer_asks_for_stays_until_somebody_removes_it(pages, task):
    fewer = {**SCHEMA, "properties": {"start_urls": SCHEMA["properties"]["start_urls"]}}
    SpiderInfo.objects.update(schema=fewer)
    page = pages.open(address(task))
    expect(page.get_by_text("The spider no longer asks for these.")).to_be_visible()
    save(page)
    expect(page.get_by_text("is saved")).to_be_visible()
    assert Task.objects.get().arguments["colour"] == "red"
    page.goto(pages.url + address(task))
    page.get_by_label("Remove colour (red)").check()
    save(page)
    expect(page.get_by_text("is saved")).to_be_visible()
    assert Task.objects.get().arguments == {"start_urls": ["https://s.example/"]}


def test_a_spider_that_is_gone_is_said_and_its_task_stays_as_it_is(pages, task):
    SpiderInfo.objects.all().delete()
    page = pages.open(address(task))
    expect(page.get_by_label("Spider", exact=True)).to_have_value("shop")
    page.get_by_label("Task name").fill("Renamed")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    expect(page.get_by_label("Task name")).to_have_value("Renamed")
    assert Task.objects.get().arguments == {"start_urls": ["https://s.example/"], "colour": "red"}


def test_spider_settings_are_fields_that_say_what_is_wrong(pages, task):
    page = pages.open(address(task))
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Pause between pages").fill("2.5")
    page.get_by_label("Pages at a time", exact=False).first.fill("1000")
    save(page)
    wrong = page.locator("[name=set_CONCURRENT_REQUESTS]")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_in_viewport()
    wrong.fill("4")
    save(page)
    expect(page.get_by_text("is saved")).to_be_visible()
    assert Task.objects.get().settings == {"DOWNLOAD_DELAY": 2.5, "CONCURRENT_REQUESTS": 4}


def test_the_preview_spreads_starts_while_somebody_types(pages, task):
    page = pages.open(address(task))
    first = page.locator(".sp-next time").first
    before = first.get_attribute("datetime")
    page.get_by_text("More about this time").click()
    page.get_by_label("Spread starts over").fill("240")
    expect(first).not_to_have_attribute("datetime", before)
    shown = first.get_attribute("datetime")
    save(page)
    expect(page.get_by_text("is saved")).to_be_visible()
    page.goto(pages.url + address(task))
    expect(first).to_have_attribute("datetime", shown)


def test_who_changed_what_is_told_and_taken_back(pages, task):
    page = pages.open(address(task))
    page.get_by_label("Task name").fill("Boots")
    page.get_by_label("Colour").fill("blue")
    save(page)
    expect(page.get_by_text("is saved")).to_be_visible()
    page.goto(pages.url + reverse("admin:tasks_task_history", args=[task.pk]))
    newest = page.locator(".sp-changes > li").first
    expect(newest).to_contain_text("Maja Lind")
    for text in ["Shoes", "Boots", "red", "blue"]:
        expect(newest).to_contain_text(text)
    newest.get_by_role("button", name="Undo").click()
    expect(page.locator(".sp-banner--success")).to_be_visible()
    changed = Task.objects.get()
    assert (changed.name, changed.arguments["colour"]) == ("Shoes", "red")
    assert page.complaints == []


def test_a_session_that_ends_while_somebody_writes_costs_nothing_of_it(pages, task):
    page = pages.open(address(task))
    page.get_by_label("Task name").fill("Long thought about")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("radio", name="Weekdays", exact=True).check()
    expect(page.locator("[data-preview-out].is-stale")).to_be_visible()
    expect(page.get_by_label("User name")).to_have_count(0)
    save(page)
    expect(page.get_by_text("You had been logged out")).to_be_visible()
    page.get_by_label("User name").fill("maja")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{pages.url}{address(task)}")
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Task name")).to_have_value("Long thought about")
    save(page)
    expect(page.get_by_text("is saved")).to_be_visible()
    assert Task.objects.get().name == "Long thought about"


def test_a_button_that_is_pressed_twice_acts_once(pages, task):
    page = pages.open(address(task))
    # Kept from leaving, so that the second press meets the same page, as on a slow connection.
    refused = page.get_by_role("button", name="Make a copy").evaluate("""each => {
      const refused = []
      addEventListener('submit', event => {
        refused.push(event.defaultPrevented)
        event.preventDefault()
      })
      each.click()
      each.click()
      return refused
    }""")
    assert refused == [False, True]

"""The page of the REST API in a real browser: for everybody, by keyboard, and without scripts."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.browser.test_looks import troubles_of

pytestmark = pytest.mark.needs("chromium")

ADDRESS = "/api/v1/docs"
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 380, "height": 800}


# By far our longest page, whose colours take axe longest: it looks at each of its two faces at one
# width, and at its colours once.
@pytest.mark.long
def test_it_is_for_everybody(pages):
    page = pages.open(ADDRESS, viewport=WIDE)
    assert page.complaints == []
    assert troubles_of(page) == []


@pytest.mark.long
def test_it_is_for_whoever_is_not_logged_in_and_in_german_too(pages):
    page = pages.browser.new_page(locale="de", viewport=PHONE)
    page.complaints = []
    page.goto(pages.url + ADDRESS)
    expect(page.get_by_role("link", name="Anmelden", exact=True)).to_be_visible()
    assert troubles_of(page, colours=False) == []


def test_the_keyboard_leads_from_the_contents_to_an_operation_and_its_schema(pages):
    page = pages.open(ADDRESS)
    page.get_by_role("navigation", name="On this page").get_by_role(
        "link", name="POST /tasks", exact=True
    ).focus()
    page.keyboard.press("Enter")
    operation = page.locator("#post-tasks")
    expect(operation).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(operation.get_by_role("heading", level=3).get_by_role("link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(operation.get_by_role("link", name="TaskIn")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#schema-TaskIn")).to_be_in_viewport()


def test_a_phone_without_scripts_has_everything_and_opens_the_contents(pages):
    page = pages.open(ADDRESS, viewport=PHONE, java_script_enabled=False)
    line = page.locator("#post-tasks .sp-pre")
    expect(line).to_be_visible()
    expect(line).to_contain_text(f"curl -X POST {settings.SITE_URL}/api/v1/tasks")
    contents = page.get_by_role("navigation", name="Contents")
    expect(contents).not_to_be_visible()
    fold = page.locator("summary", has_text="On this page")
    fold.focus()
    page.keyboard.press("Enter")
    contents.get_by_role("link", name="GET /runs", exact=True).click()
    expect(page.locator("#get-runs")).to_be_in_viewport()

"""What a newcomer does on the first day, in a real browser with real spiders."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tasks.models import Run, Task
from tests.waiting import wait_until

pytestmark = pytest.mark.needs("chromium")


def shop(site):
    return f"{site.url}/demo/"


def last_run_ended():
    run = Run.objects.newest_first().first()
    return run if run is not None and run.is_ended else None


@pytest.mark.long
def test_a_task_is_added_run_and_read_in_few_clicks(house):
    page = house.open()
    clicks = []
    page.expose_function("countClick", lambda: clicks.append(1))
    page.add_init_script("addEventListener('click', e => e.detail && countClick(), true)")
    page.reload()
    page.get_by_role("link", name="New task").first.click()
    page.get_by_label("Task name").fill("Kitchen prices")
    page.get_by_label("Spider", exact=True).select_option("vivbliss")
    page.locator("[name=arg_start_urls]").fill(shop(house))
    page.locator("[name=arg_max_pages]").fill("12")
    page.get_by_role("radio", name="Every …", exact=True).check()
    page.locator("[name=schedules-0-every_unit]").select_option("minutes")
    expect(page.locator(".sp-say")).to_have_text("Every minute")
    expect(page.locator(".sp-next li")).to_have_count(5)
    assert not Task.objects.exists()
    page.get_by_role("button", name=re.compile("run now", re.IGNORECASE)).click()
    page.wait_for_url("**/admin/tasks/run/**")
    expect(page.locator("h1")).to_contain_text("Finished:", timeout=60_000)
    assert len(clicks) <= 8
    expect(page.locator(".sp-data tbody tr").first).to_be_visible()
    expect(page.locator(".sp-log__body li").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    task = Task.objects.get()
    assert task.schedules.get().minutes == 1
    assert page.complaints == []


def test_a_wrong_argument_is_explained_and_mended(house):
    page = house.open("/admin/tasks/task/add/")
    page.get_by_label("Task name").fill("Nowhere")
    page.get_by_label("Spider", exact=True).select_option("vivbliss")
    page.locator("[name=arg_start_urls]").fill("http://127.0.0.1:1/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[name=arg_start_urls]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=arg_start_urls]")).to_be_focused()
    page.locator("[name=arg_start_urls]").fill(shop(house) + "no-such-page/")
    page.get_by_role("button", name=re.compile("run now", re.IGNORECASE)).click()
    page.wait_for_url("**/admin/tasks/run/**")
    expect(page.get_by_role("heading", name="What happened")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()


def test_a_test_run_shows_a_few_items_before_the_task_is_switched_on(house):
    page = house.open("/admin/tasks/task/add/?spider=vivbliss")
    page.get_by_label("Task name").fill("Tried first")
    page.locator("[name=arg_start_urls]").fill(shop(house))
    page.get_by_role("button", name=re.compile("Test run")).click()
    page.wait_for_url("**/admin/tasks/run/**")
    right = page.get_by_role("button", name="Looks right, switch it on")
    expect(right).to_be_visible(timeout=60_000)
    assert not Task.objects.get().enabled
    expect(page.locator(".sp-data tbody tr").nth(4)).to_be_visible()
    right.click()
    expect(page.locator(".sp-banner--success")).to_contain_text("is on")
    assert Task.objects.get().enabled


def test_the_whole_way_without_scripts(house):
    page = house.open("/admin/tasks/task/add/", java_script_enabled=False)
    page.get_by_label("Task name").fill("Plain")
    page.get_by_label("Spider", exact=True).select_option("vivbliss")
    page.get_by_role("button", name="Show its fields").click()
    page.locator("[name=arg_start_urls]").fill(shop(house))
    page.locator("[name=arg_max_pages]").fill("6")
    page.get_by_role("radio", name="Weekly", exact=True).check()
    page.get_by_label("Monday", exact=True).check()
    page.get_by_role("button", name="Show next runs").click()
    expect(page.locator(".sp-say")).to_have_text("Mondays at 09:00, UTC")
    page.get_by_role("button", name=re.compile("run now", re.IGNORECASE)).click()
    wait_until(last_run_ended, timeout=60)
    page.reload()
    expect(page.locator("h1")).to_contain_text("Finished:")
    expect(page.locator(".sp-data tbody tr").first).to_be_visible()
    page.get_by_role("link", name="Errors only").click()
    expect(page.get_by_text("Show the whole log")).to_be_visible()


def test_the_whole_way_by_keyboard(house):
    page = house.open()

    def reach(text, most=80):
        """Tabs until an element with that name has the focus, as somebody without a mouse does."""
        script = """() => { const e = document.activeElement;
          return (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || '')
            .trim() }"""
        seen = []
        for _step in range(most):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(script)[:30])
            if re.match(text, seen[-1]):
                return
        raise AssertionError(f"{text!r} was not reached on {page.url}: {seen}")

    reach("Skip to main content")
    reach("New task")
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/")
    reach("Task name")
    page.keyboard.type("By hand")
    reach("Spider")
    page.keyboard.type("Shop")
    page.get_by_label("Shop pages to start from").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator("[name=arg_start_urls]")).to_be_focused()
    page.keyboard.type(shop(house))
    # The whole shop would take most of a minute.
    reach("Most pages to read")
    page.keyboard.type("6")
    reach("Every day")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sp-say")).to_have_text("Weekdays at 09:00, UTC")
    reach("Save and run now|Run now")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/tasks/run/**")
    expect(page.locator("h1")).to_contain_text("Finished:", timeout=60_000)


@pytest.mark.long
def test_a_running_run_is_followed_and_stopped(house):
    page = house.open("/admin/tasks/task/add/?spider=vivbliss")
    page.get_by_label("Task name").fill("Slow")
    page.locator("[name=arg_start_urls]").fill(shop(house))
    page.get_by_text("Advanced", exact=True).click()
    page.locator("[name=set_DOWNLOAD_DELAY]").fill("3")
    page.locator("[name=set_LOG_LEVEL]").select_option("DEBUG")
    page.get_by_role("button", name=re.compile("run now", re.IGNORECASE)).click()
    page.wait_for_url("**/admin/tasks/run/**")
    expect(page.locator("h1")).to_contain_text("Running:", timeout=30_000)
    expect(page.locator(".sp-log__body li").first).to_be_visible(timeout=15_000)
    before = page.locator(".sp-log__body li").count()
    wait_until(lambda: page.locator(".sp-log__body li").count() > before, timeout=20, every=0.2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("h1")).to_contain_text("Stopped after", timeout=30_000)
    assert Run.objects.get().status == "cancelled"

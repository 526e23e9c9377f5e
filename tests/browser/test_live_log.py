"""The log of a run that goes on, in an open page of a real browser."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.execution.folder import run_folder
from tasks.models import Run

from .conftest import Site

pytestmark = pytest.mark.needs("chromium")

LINE = "2026-03-24 10:00:{second:02} [shop] {level}: {text}\n"
ASKED = re.compile(r"/log/\?after=")
FIRST_BYTES = """async address => {
  const answer = await fetch(address), reader = answer.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value.slice(0, 500));
}"""
# As a smoothly scrolling browser does: some frames more after the click, without anybody's doing.
PRESSED_WHILE_IT_SCROLLS = """async () => {
  const body = document.querySelector(".sp-log__body");
  // Each takes as long as on a machine that has much else to do.
  const frame = () => new Promise(shown => requestAnimationFrame(() => {
    const begun = performance.now();
    while (performance.now() - begun < 250);
    shown();
  }));
  document.querySelector("[data-log=follow]").click();
  for (const way of [50, 450, 200]) {
    body.scrollTop -= way;
    await frame();
    await frame();
  }
}"""
NOTES_AN_EARLY_END = """() => new MutationObserver(() => {
  if (document.querySelector("#live [data-ended]")) sessionStorage.early = "yes";
}).observe(document.querySelector("#live"), { childList: true })"""
STREAM = re.compile(r"/api/v1/runs/.*/logs")


@pytest.fixture
def run(transactional_db):
    now = timezone.now()
    made = Run.objects.create(
        task_key="shoes", task_name="Shoes", spider="shop", status="running", trigger="manual",
        at=now, started_at=now, items=3, pages=2,
    )  # fmt: skip
    run_folder(made).mkdir(parents=True)
    write(made, "Spider opened")
    return made


def write(run, text, level="INFO", second=1):
    with (run_folder(run) / "run.log").open("a", encoding="utf-8") as log:
        log.write(LINE.format(second=second, level=level, text=text))


def watch(page):
    """Each address that the page asks for from now on."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def open_page(site, run):
    page = site.open()
    # High enough for the whole log, whatever stands above it.
    page.set_viewport_size({"width": 1280, "height": 1400})
    asked = watch(page)
    page.goto(site.url + reverse("admin:tasks_run_page", args=[run.pk]))
    return page, asked


def line(page, text):
    return page.locator(".sp-log__body li").filter(has_text=text)


def read_further_up(site, run):
    """The page, and its button that goes on to the end."""
    for number in range(200):
        write(run, f"line {number}")
    page, _ = open_page(site, run)
    expect(line(page, "line 199")).to_be_in_viewport()
    page.locator(".sp-log__body").focus()
    page.keyboard.press("Home")
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "false")
    return page, follow


def end(run):
    Run.objects.filter(pk=run.pk).update(
        status="succeeded", reason="", finished_at=timezone.now(), items=214
    )


def test_lines_come_as_events_and_the_end_with_the_verdict(streaming, run):
    page, asked = open_page(streaming, run)
    expect(line(page, "Spider opened")).to_have_count(1)
    expect(page.locator("[data-log-state]")).to_contain_text("Following")
    write(run, "Page not found", "ERROR", second=2)
    expect(line(page, "Page not found")).to_have_class("sp-log__error")
    expect(line(page, "Page not found")).to_contain_text(re.compile(r"10:00:02\s*Error"))
    write(run, "x" * 1_000_000)
    expect(line(page, "xxxx").first).to_contain_text("…")
    Run.objects.filter(pk=run.pk).update(items=77)
    expect(page.locator("h1")).to_contain_text("Running: 77 items")
    end(run)
    expect(page.locator("h1")).to_contain_text("Finished: 214 items")
    assert any(STREAM.search(url) for url in asked)
    assert not any(ASKED.search(url) for url in asked)
    assert page.complaints == []


def test_paused_it_stays_and_following_again_it_misses_nothing(streaming, run):
    page, follow = read_further_up(streaming, run)
    expect(page.locator("[data-log-state]")).to_contain_text("Paused")
    write(run, "while paused")
    follow.click()
    expect(line(page, "while paused")).to_have_count(1)
    expect(line(page, "while paused")).to_be_in_viewport()
    assert page.complaints == []


def test_the_end_comes_with_the_page_that_is_read_anew_and_not_before(streaming, run):
    page, _ = open_page(streaming, run)
    expect(line(page, "Spider opened")).to_have_count(1)
    page.evaluate(NOTES_AN_EARLY_END)
    end(run)
    expect(page.locator("h1")).to_contain_text("Finished: 214 items")
    expect(page.locator("[data-live]")).to_have_count(0)
    assert page.evaluate("sessionStorage.early") is None


def test_who_reads_further_up_keeps_the_place_when_the_run_ends(streaming, run):
    page, follow = read_further_up(streaming, run)
    write(run, "the last words")
    end(run)
    expect(page.locator("h1")).to_contain_text("Finished: 214 items")
    expect(page.get_by_text("line 0", exact=True)).to_be_in_viewport()
    follow.click()
    expect(page.locator(".sp-log__foot")).to_contain_text("This is the whole log")
    expect(line(page, "the last words")).to_be_in_viewport()
    assert page.complaints == []


def test_what_is_typed_is_kept_when_the_run_ends(streaming, run):
    page, _ = open_page(streaming, run)
    find = page.get_by_role("searchbox", name="Search the log")
    find.fill("price")
    end(run)
    expect(page.locator("h1")).to_contain_text("Finished: 214 items")
    expect(find).to_have_value("price")
    find.press("Enter")
    expect(page.get_by_text("No line matches.")).to_be_visible()


def test_the_rest_of_an_earlier_way_up_does_not_pause_it_again(streaming, run):
    for number in range(200):
        write(run, f"line {number}")
    page, _ = open_page(streaming, run)
    expect(line(page, "line 199")).to_be_in_viewport()
    body = page.locator(".sp-log__body")
    follow = page.get_by_role("button", name="Follow")
    follow.click()
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.evaluate(PRESSED_WHILE_IT_SCROLLS)
    expect(line(page, "line 199")).to_be_in_viewport()
    expect(follow).to_have_attribute("aria-pressed", "true")
    body.hover()
    page.mouse.wheel(0, -600)
    expect(follow).to_have_attribute("aria-pressed", "false")


def test_a_flood_leaves_the_newest_lines_in_the_page(streaming, run):
    page, _ = open_page(streaming, run)
    expect(page.locator("[data-log-state]")).to_contain_text("Following")
    with (run_folder(run) / "run.log").open("a", encoding="utf-8") as log:
        for number in range(60_000):
            log.write(LINE.format(second=3, level="INFO", text=f"flood {number}"))
    expect(line(page, "flood 59999")).to_be_in_viewport(timeout=180_000)
    assert page.locator(".sp-log__body li").count() <= 2000


def test_where_no_events_come_through_the_page_asks(streaming, run):
    page = streaming.open()
    page.route(STREAM, lambda route: route.fulfill(status=429))
    asked = watch(page)
    page.goto(streaming.url + reverse("admin:tasks_run_page", args=[run.pk]))
    write(run, "asked for")
    expect(line(page, "asked for")).to_have_count(1)
    assert any(ASKED.search(url) for url in asked)
    end(run)
    expect(page.locator("h1")).to_contain_text("Finished: 214 items")


@pytest.mark.long
def test_a_gigabyte_is_followed_searched_and_downloaded(streaming, run, tmp_path):
    """Its middle is a hole in the file, which reads as one endless line without characters."""
    write(run, "y" * 1_000_000)
    with (run_folder(run) / "run.log").open("r+b") as log:
        log.truncate(1024**3)
        log.seek(0, 2)
        log.write(b"\ncaf\xe9 \x1b[31mred\x1b[0m\n")
    write(run, "Out of stock at the very end", "ERROR", second=5)
    page, _ = open_page(streaming, run)
    expect(line(page, "Out of stock")).to_be_in_viewport()
    expect(line(page, "caf� red")).to_have_count(1)
    write(run, "and it goes on")
    expect(line(page, "and it goes on")).to_be_in_viewport()
    page.get_by_role("link", name="Show older lines").click()
    expect(page.get_by_text("These are older lines.")).to_be_visible()
    page.get_by_role("link", name="Errors only").click()
    found(page, "Out of stock")
    page.get_by_label("Search the log").fill("OUT OF STOCK")
    page.keyboard.press("Enter")
    page.wait_for_url("**find=**")
    found(page, "Out of stock")
    page.get_by_role("link", name="Show the whole log").click()
    expect(line(page, "and it goes on")).to_be_in_viewport()
    address = page.get_by_role("link", name="Download").get_attribute("href")
    assert "Spider opened" in page.evaluate(FIRST_BYTES, address)
    assert page.complaints == []


def found(page, text):
    """A slow machine looks through a part of the log at a time."""
    for _part in range(40):
        expect(page.get_by_text("These are the lines that match.")).to_be_visible()
        on = page.get_by_role("link", name="Search on")
        expect(line(page, text).or_(on).first).to_be_visible()
        if line(page, text).count():
            return
        on.click()
    raise AssertionError(f"{text!r} was not found")


def test_after_a_restart_of_the_server_it_goes_on_where_it_was(browser, served, run):
    with ExitStack() as stack:
        first = served.start(stack)
        page, _ = open_page(Site(served.url, browser), run)
        write(run, "before")
        expect(line(page, "before")).to_have_count(1)
        first.kill()
        expect(page.locator("[data-log-state]")).to_contain_text("connection was lost")
        write(run, "meanwhile")
        served.start(stack)
        expect(line(page, "meanwhile")).to_have_count(1, timeout=30_000)
        write(run, "after")
        expect(line(page, "after")).to_have_count(1)
        expect(line(page, "before")).to_have_count(1)
        page.context.close()


def test_many_open_pages_leave_the_browser_connections(streaming, run):
    """A browser has six of them for all its tabs: the seventh page would not come."""
    page, _ = open_page(streaming, run)
    tabs = [page, *(page.context.new_page() for _tab in range(7))]
    for tab in tabs[1:]:
        tab.goto(page.url)
    write(run, "for all")
    for tab in tabs:
        expect(line(tab, "for all")).to_have_count(1)

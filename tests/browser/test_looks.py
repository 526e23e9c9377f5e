"""Every page in both looks, on a desk and on a phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.execution.folder import run_folder
from tasks.models import Alert, Run, SchedulerProcess, SpiderInfo, Task
from tasks.services.tasks import create_task
from tests.accessibility import COLOURS, violations
from tests.people import person
from tests.waiting import wait_until

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.any_database]

SCHEMA = {
    "type": "object",
    "required": ["start_urls"],
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}, "title": "Pages to read"},
        "currency": {"enum": ["SEK", "EUR"], "title": "Currency", "default": "SEK"},
        "since": {"type": "string", "format": "date", "title": "Since"},
        "sold_out": {"type": "boolean", "title": "Sold-out products too", "default": True},
        "api_key": {"type": "string", "format": "password", "title": "API key"},
    },
}
STATUSES = ["succeeded", "suspicious", "failed", "cancelled", "missed", "skipped"]
REASONS = {"failed": "blocked", "suspicious": "few_items", "missed": "scheduler_down",
           "skipped": "overlap", "cancelled": "cancelled"}  # fmt: skip


@pytest.fixture
def filled(pages):
    now = timezone.now()
    SpiderInfo.objects.create(
        name="shop", title="Shop", description="Reads a shop.", schema=SCHEMA, seen_at=now,
        gives=["Product", "price"], domains=["shop.example"],
    )  # fmt: skip
    SpiderInfo.objects.create(name="broken", error="SyntaxError", schema={}, seen_at=now)
    SchedulerProcess.objects.create(
        name="a", host="a", pid=1, started_at=now, seen_at=now + timedelta(hours=1),
        disk_free=40 * 1024**3, disk_total=100 * 1024**3,
    )  # fmt: skip
    for name, cron in [("Shoes", "0 * * * *"), ("Boots and a rather long name", "30 6 * * 1-5")]:
        task = create_task(
            task_id=name[:5].lower(), name=name, spider="shop", tags=["prices"],
            arguments={"start_urls": ["https://shop.example/"]},
            schedules=[{"kind": "cron", "cron": cron, "timezone": "Europe/Stockholm"}],
        )  # fmt: skip
        for place in range(24):
            make_run(task, STATUSES[place % len(STATUSES)], now - timedelta(hours=24 - place))
    tell_of(Run.objects.filter(status="failed").newest_first().first(), now)
    running = make_run(task, "running", now)
    running.items = 12
    running.save()
    folder = run_folder(Run.objects.filter(status="succeeded").newest_first().first())
    folder.mkdir(parents=True)
    rows = [
        f'{{"name": "Boot {i}", "price": {i}.5, "url": "https://s.example/{i}"}}' for i in range(30)
    ]
    (folder / "items.jsonl").write_text("\n".join(rows) + "\n")
    lines = [f"2026-03-24 10:00:{i:02} [shop] {level}: line {i}" for i, level in
             enumerate(["INFO", "WARNING", "ERROR", "INFO"] * 10)]  # fmt: skip
    (folder / "run.log").write_text("\n".join(lines) + "\n")
    return pages


def make_run(task, status, at):
    ran = status not in {"missed", "skipped"}
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status=status,
        reason=REASONS.get(status, ""), detail={"code": 403, "usual": 145}, at=at,
        trigger="schedule", started_at=at if ran else None, items=31 if ran else 0,
        finished_at=at + timedelta(seconds=20) if status != "running" and ran else None, pages=8,
    )  # fmt: skip


def tell_of(run, now):
    said = {"code": "mail_refused", "error": "550 no such user"}
    for status in Alert.Status.values:
        Alert.objects.create(
            run=run, task=run.task, channel="email", recipient=f"{status}@company.example",
            kind="failed", status=status, last_error=said, created_at=now, next_try_at=now,
            sent_at=now,
        )  # fmt: skip


def run_of(status):
    run = Run.objects.filter(status=status).newest_first().first()
    return reverse("admin:tasks_run_page", args=[run.pk])


ADDRESSES = {
    "home": lambda: reverse("admin:index"),
    "tasks": lambda: reverse("admin:tasks_task_changelist"),
    "nothing matches": lambda: reverse("admin:tasks_task_changelist") + "?q=zzz",
    "task": lambda: reverse("admin:tasks_task_change", args=[Task.objects.first().pk]),
    "new task": lambda: reverse("admin:tasks_task_add") + "?spider=shop",
    "delete": lambda: reverse("admin:tasks_task_delete", args=[Task.objects.first().pk]),
    "changes": lambda: reverse("admin:tasks_task_history", args=[Task.objects.first().pk]),
    "history": lambda: reverse("admin:tasks_run_changelist"),
    "finished": lambda: run_of("succeeded"),
    "failed": lambda: run_of("failed"),
    "missed": lambda: run_of("missed"),
    "running": lambda: run_of("running"),
    "spiders": lambda: reverse("admin:spiders"),
    "what is a spider": lambda: reverse("admin:spider_help"),
    "me": lambda: reverse("admin:me"),
    "password": lambda: reverse("admin:password_change"),
    "people": lambda: reverse("admin:auth_user_changelist"),
    "person": lambda: reverse("admin:auth_user_add"),
    "hold": lambda: reverse("admin:tasks_hold_changelist"),
    "blackouts": lambda: reverse("admin:tasks_blackout_changelist"),
    "blackout": lambda: reverse("admin:tasks_blackout_add"),
    "all changes": lambda: reverse("admin:tasks_auditentry_changelist"),
    "errors of a log": lambda: run_of("succeeded") + "?errors=1",
    "older lines of a log": lambda: run_of("succeeded") + "?before=900",
    "API access": lambda: reverse("admin:me_tokens"),
    "data addresses": lambda: reverse("admin:task_data_links", args=[Task.objects.first().pk]),
    "task files": lambda: reverse("admin:task_files"),
    "spreadsheet": lambda: reverse("admin:tasks_task_spreadsheet"),
    "backfill": lambda: reverse("admin:tasks_task_backfill", args=[Task.objects.first().pk]),
    "in numbers": lambda: reverse("admin:tasks_task_figures", args=[Task.objects.first().pk]),
    "clean up": lambda: reverse("admin:clean_up"),
    "person there is": lambda: reverse("admin:auth_user_change", args=[User.objects.last().pk]),
    "a field to change": lambda: ADDRESSES["task"]() + "?at=id_timeout#id_timeout",
}


def wider_than_the_window(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


WIDTHS = [1280, 380]
UNFOLD = """
document.querySelectorAll('details:not([name]):not(.sp-menu)').forEach(fold => { fold.open = true })
"""


def troubles_of(page, *, colours=True):
    """In both looks, which differ by their colours alone."""
    page.emulate_media(reduced_motion="reduce")  # no colour is looked at on its way
    page.evaluate(UNFOLD)
    found = violations(page, without="" if colours else COLOURS)
    if colours:
        page.emulate_media(color_scheme="dark")
        found += [f"dark: {each}" for each in violations(page, only=COLOURS)]
        page.emulate_media(color_scheme="light")
    if wider_than_the_window(page):
        found.append("wider than the window")
    page.complaints.clear()  # the checker itself injects styles
    return found


@pytest.mark.long
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_for_everybody(filled, width):
    person("Anna", "Berg", "Administrator")
    page = filled.open("/admin/me/", viewport={"width": width, "height": 800})
    page.context.clear_cookies()
    filled.log_in(page, "/admin/", "anna")
    troubles = {}
    for name, address in ADDRESSES.items():
        assert page.goto(filled.url + address()).status == 200, name
        assert page.complaints == [], name
        if found := troubles_of(page):
            troubles[name] = found
    assert troubles == {}


def token_shown_once(page):
    page.goto(page.root + reverse("admin:me_tokens"))
    page.get_by_label("Name").fill("My sheet")
    with page.expect_navigation():
        page.get_by_role("button", name="Make").first.click()


def hand_in(page, address, name, kind, content):
    page.goto(page.root + reverse(address))
    file = {"name": name, "mimeType": kind, "buffer": content}
    page.locator("input[type=file]").set_input_files(file)
    with page.expect_navigation():
        page.locator("main button[type=submit]").first.click()


def spreadsheet_preview(page):
    rows = b"name,spider,start_urls\nHats,shop,https://s.example/hats\nCaps,nowhere,\n"
    hand_in(page, "admin:tasks_task_spreadsheet", "tasks.csv", "text/csv", rows)


def task_file_preview(page):
    text = b'{"jobs": [{"job_id": "hats", "type": "interval", "hours": 2, "spider": "shop"}]}'
    hand_in(page, "admin:task_files", "tasks.json", "application/json", text)


def pressed_for_all(word):
    def press(page):
        page.goto(page.root + reverse("admin:tasks_task_changelist"))
        for box in page.locator(".action-select").all():
            box.check()
        with page.expect_navigation():
            page.locator(f"button[name=action][value={word}]").click()

    return press


def refused_form(page):
    page.goto(page.root + ADDRESSES["new task"]())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()


def first_steps(page):
    Task.objects.exclude(pk=Task.objects.first().pk).delete()
    page.goto(page.root + ADDRESSES["task"]())
    expect(page.get_by_role("complementary", name="First steps")).to_be_visible()


WAYS = {
    "token": token_shown_once,
    "spreadsheet preview": spreadsheet_preview,
    "task file preview": task_file_preview,
    "refused form": refused_form,
    "stagger": pressed_for_all("stagger"),
    "tag": pressed_for_all("tag"),
    "delete many": pressed_for_all("delete"),
    "first steps": first_steps,  # the last: it leaves one task
}


@pytest.mark.long
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_behind_a_button_is_for_everybody(filled, width):
    person("Anna", "Berg", "Administrator")
    page = filled.open("/admin/me/", viewport={"width": width, "height": 800})
    page.context.clear_cookies()
    filled.log_in(page, "/admin/", "anna")
    page.root = filled.url
    troubles = {}
    for name, go in WAYS.items():
        go(page)
        assert page.complaints == [], name
        if found := troubles_of(page):
            troubles[name] = found
    assert troubles == {}


def test_the_page_for_who_guesses_is_for_everybody(pages):
    page = pages.browser.new_page()
    page.complaints = []
    for _try in range(21):
        page.goto(f"{pages.url}/admin/login/")
        page.get_by_label("User name").fill("maja")
        page.get_by_label("Password").fill("nothing")
        page.get_by_role("button", name="Log in").click()
        if page.get_by_role("heading", name="Too many wrong passwords").count():
            break
    expect(page.get_by_role("alert")).to_contain_text("Wait 1 h")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert troubles_of(page) == [], width


@pytest.mark.urls("tests.web.trouble_urls")
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_of_trouble_are_for_everybody_and_lead_back(pages, width):
    page = pages.browser.new_page(viewport={"width": width, "height": 800})
    page.complaints = []
    for kind in ["bad", "forbidden", "gone", "broken", "no-database"]:
        page.goto(f"{pages.url}/fails/{kind}/")
        assert troubles_of(page) == [], kind
    page.get_by_role("link", name="To the home page").click()
    expect(page.get_by_label("User name")).to_be_visible()


def test_the_login_is_for_everybody(pages):
    page = pages.browser.new_page()
    page.complaints = []
    page.goto(f"{pages.url}/admin/login/")
    assert troubles_of(page) == []
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("nothing")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    assert troubles_of(page) == []


def test_the_look_is_switched_by_hand_and_kept(filled):
    page = filled.open()
    toggle = page.get_by_role("button", name="Change light or dark look").last
    toggle.click()
    chosen = page.evaluate("document.documentElement.dataset.theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == chosen


PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
  for (const each of list.getEntriesByName('first-contentful-paint')) done(each.startTime)
}).observe({ type: 'paint', buffered: true }))"""


@pytest.mark.parametrize("name", ["home", "tasks", "new task", "history", "finished"])
def test_a_page_weighs_little_and_paints_soon(filled, name):
    page = filled.open()
    weights = []

    def weigh(answer):
        weights.append(len(answer.body()) if answer.status == 200 else 0)

    page.on("response", weigh)
    page.goto(filled.url + ADDRESSES[name](), wait_until="load")
    page.remove_listener("response", weigh)
    assert sum(weights) < 300 * 1024
    # Half a second on a quiet machine; tests share theirs with others.
    assert any(painted_after(page) < 3000 for _try in range(3))


def painted_after(page):
    page.reload()
    return page.evaluate(PAINTED)


def test_the_preview_follows_what_is_chosen(filled):
    page = filled.open(reverse("admin:tasks_task_add") + "?spider=shop")
    say = page.locator(".sp-say")
    page.get_by_role("radio", name="Weekly", exact=True).check()
    expect(page.locator("[data-preview-out]")).to_contain_text("No day is chosen")
    expect(page.locator(".sp-builder .sp-error")).to_have_count(0)
    chips = page.locator(".sp-builder .sp-chip")
    assert chips.evaluate_all("chips => new Set(chips.map(each => each.offsetTop)).size") == 1
    page.get_by_label("Sunday", exact=True).check()
    page.get_by_label("Sunday", exact=True).uncheck()
    expect(page.locator(".sp-panel[data-kind=weekly] .sp-error")).to_contain_text(
        "No day is chosen"
    )
    page.get_by_label("Friday", exact=True).check()
    expect(say).to_have_text("Fridays at 09:00, UTC")
    page.get_by_role("radio", name="Advanced (cron)", exact=True).check()
    page.get_by_label("Cron pattern").fill("61 * * * *")
    expect(page.locator("[data-kind=cron] .sp-error")).to_contain_text("Minute must be 0 to 59")
    expect(page.get_by_label("Cron pattern")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Cron pattern").fill("*/10 8-17 * * 1-5")
    expect(page.locator(".sp-next li")).to_have_count(5)
    expect(page.get_by_label("Cron pattern")).not_to_have_attribute("aria-invalid", "true")


def test_a_run_shows_its_steps_in_line_and_the_end_of_its_log(filled):
    page = filled.open(run_of("running"))
    tops = "words => new Set(words.map(each => each.offsetTop)).size"
    assert page.locator(".sp-step__t").evaluate_all(tops) == 1
    page.goto(filled.url + run_of("succeeded"))
    left = "body => [body.scrollTop > 0, body.scrollHeight - body.scrollTop - body.clientHeight]"
    moved, below = page.locator(".sp-log__body").evaluate(left)
    assert moved
    assert below < 2
    page.goto(filled.url + run_of("succeeded") + "?errors=1")
    assert page.locator(".sp-log__body").evaluate("body => body.scrollTop") == 0


def test_leaving_with_unsaved_changes_asks_first(filled):
    page = filled.open(reverse("admin:tasks_task_add"))
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_label("Task name").fill("Half done")
    expect(page.locator("#dirty")).to_have_text("Not saved yet")
    page.get_by_role("link", name="Run history").first.click()
    page.wait_for_url("**/admin/tasks/run/")
    assert asked == ["beforeunload"]


def test_choosing_another_spider_brings_its_fields(filled):
    page = filled.open(reverse("admin:tasks_task_add"))
    expect(page.locator("[name=arg_start_urls]")).to_have_count(0)
    page.get_by_label("Spider", exact=True).select_option("shop")
    expect(page.locator("[name=arg_start_urls]")).to_be_visible()
    expect(page.get_by_text("Reads a shop.")).to_be_visible()


def test_a_switch_and_the_bulk_bar_work_from_the_list(filled):
    page = filled.open(reverse("admin:tasks_task_changelist"))
    page.get_by_role("switch", name="Shoes: planned runs").click()
    expect(page.locator(".sp-banner--success")).to_contain_text("is off")
    page.get_by_label("Select all tasks on this page").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("switch", checked=False)).to_have_count(2)


def test_all_tasks_are_picked_though_more_than_a_page(filled):
    Task.objects.bulk_create(
        Task(task_id=f"hat-{n}", name=f"Hat {n}", spider="shop") for n in range(60)
    )
    page = filled.open(reverse("admin:tasks_task_changelist"))
    page.get_by_label("All 62 tasks").check()
    expect(page.get_by_text("62 selected")).to_be_visible()
    page.get_by_label("Select Hat 1", exact=True).uncheck()
    expect(page.get_by_text("49 selected")).to_be_visible()
    expect(page.get_by_label("All 62 tasks")).not_to_be_checked()
    page.get_by_label("All 62 tasks").check()
    page.get_by_role("button", name="Turn off").click()
    expect(page.locator(".sp-banner--success")).to_contain_text("62 tasks are off.")


def test_enter_on_a_row_changes_nothing(filled):
    page = filled.open(reverse("admin:tasks_task_changelist"))
    box = page.get_by_label("Select Shoes")
    box.focus()
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert Task.objects.filter(enabled=True).count() == 2
    assert Run.objects.filter(status="queued").count() == 0


def test_the_home_page_keeps_itself_fresh_without_losing_the_focus(filled):
    page = filled.open()
    page.get_by_text("Show as a list").focus()
    Run.objects.filter(status="running").update(status="succeeded", finished_at=timezone.now())
    SchedulerProcess.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    expect(page.get_by_text("Nothing is running.")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("alert")).to_contain_text("The scheduler has stopped.")
    # The navigation beside it says the same.
    expect(page.locator(".sp-side__nav")).to_contain_text("Scheduler stopped")
    assert page.evaluate("document.activeElement.textContent") == "Show as a list"


SLOW_ANSWERS = """
const real = window.fetch
window.fetch = async (...all) => {
  const answer = await real(...all), text = answer.text.bind(answer)
  if (!answer.url.endsWith('/live/')) return answer
  await new Promise(done => { window.letGo = done })
  answer.text = async () => {
    const said = await text()
    setTimeout(() => { window.told = true })
    return said
  }
  return answer
}
"""


def test_a_press_that_begins_while_news_arrive_is_not_lost(filled):
    page = filled.open()
    page.add_init_script(SLOW_ANSWERS)
    page.goto(filled.url + run_of("running"))
    Run.objects.filter(status="running").update(items=77)
    wait_until(lambda: page.evaluate("'letGo' in window"), timeout=15, every=0.1)
    button = page.get_by_role("button", name="Stop")
    button.hover()
    page.mouse.down()
    page.evaluate("letGo()")
    wait_until(lambda: page.evaluate("'told' in window"), timeout=15, every=0.1)
    page.mouse.up()
    expect(page.locator("h1")).to_contain_text("Stopping")


def test_the_menu_opens_on_a_phone(filled):
    page = filled.open(viewport={"width": 380, "height": 800})
    page.locator(".sp-menu summary").click()
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name="Tasks").click()
    page.wait_for_url("**/admin/tasks/task/")
    page.locator(".sp-menu summary").click()
    page.keyboard.press("Escape")
    expect(page.locator(".sp-menu")).not_to_have_attribute("open", "")

"""Many tasks and many runs, as staff find their way among them in a real browser."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.execution.folder import run_folder
from tasks.models import Run, SpiderInfo, Task
from tasks.services.tasks import create_task
from tests.people import person

pytestmark = pytest.mark.needs("chromium")

SCHEMA = {
    "type": "object",
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}, "title": "Pages to read"},
        "api_key": {"type": "string", "format": "password", "title": "API key"},
    },
}
HISTORY = "/admin/tasks/run/"
TASKS = "/admin/tasks/task/"


@pytest.fixture
def tasks(transactional_db):
    SpiderInfo.objects.create(name="shop", title="Shop", schema=SCHEMA, seen_at=timezone.now())
    return [
        create_task(
            task_id=name.lower(), name=name, spider="shop", tags=[tag],
            arguments={"start_urls": [f"https://s.example/{name}"], "api_key": "hunter2"},
            schedules=[{"kind": "cron", "cron": "0 9 * * *", "timezone": "UTC"}],
        )
        for name, tag in [("Shoes", "prices"), ("Boots", "prices"), ("News", "reading")]
    ]  # fmt: skip


def make_run(task, hours, status="succeeded", **fields):
    at = timezone.now() - timedelta(hours=hours)
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status=status,
        trigger="schedule", at=at, started_at=at, finished_at=at + timedelta(seconds=20),
        items=31, pages=8, **fields,
    )  # fmt: skip


def names(page):
    return page.locator("#result_list tbody th a").all_text_contents()


def test_a_run_is_found_among_many(pages, tasks):
    shoes, boots, news = tasks
    for hours in range(1, 61):
        make_run(boots if hours % 2 else shoes, hours)
    odd = make_run(news, 62, "failed", reason="blocked", detail={"code": 403})
    page = pages.open(HISTORY)
    assert names(page)[:2] == ["Boots", "Shoes"]
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(11)
    page.get_by_role("link", name="Newer").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(50)
    page.locator("summary", has_text="Outcome").click()
    page.get_by_role("link", name="Failed", exact=True).click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.get_by_role("searchbox").fill("new")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=new**")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.locator("#result_list tbody th a").click()
    page.wait_for_url(f"**/{odd.pk}/")
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.locator("#result_list tbody tr")).to_have_count(50)
    assert page.complaints == []


def test_tasks_are_found_by_word_and_tag(pages, tasks):
    page = pages.open(TASKS)
    page.locator("summary", has_text="Tag").click()
    page.get_by_role("link", name="prices").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.get_by_role("searchbox").fill("boo")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    assert names(page) == ["Boots"]
    page.get_by_role("searchbox").fill("no such task")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Clear search and filters").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(3)


def test_several_tasks_are_tagged_and_spread_at_once(pages, tasks):
    page = pages.open(TASKS)
    page.get_by_label("Select Shoes").check()
    page.get_by_label("Select Boots").check()
    page.get_by_role("button", name="Tag…").click()
    page.get_by_label("Tags", exact=True).fill("winter")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".sp-banner--success")).to_be_visible()
    tagged = Task.objects.filter(tags__name="winter").values_list("name", flat=True)
    assert set(tagged) == {"Shoes", "Boots"}
    page.get_by_label("Select all tasks on this page").check()
    page.get_by_role("button", name="Spread out…").click()
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator(".sp-banner--success")).to_be_visible()
    starts = {task.schedules.get().cron for task in Task.objects.all()}
    assert len(starts) == 3
    assert page.complaints == []


def test_a_task_is_duplicated_and_its_copy_changed(pages, tasks):
    page = pages.open(reverse("admin:tasks_task_change", args=[tasks[0].pk]))
    page.get_by_role("button", name="Make a copy").click()
    expect(page.locator(".sp-banner--success")).to_be_visible()
    page.get_by_label("Task name").fill("Slippers")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("is saved")).to_be_visible()
    copy = Task.objects.get(name="Slippers")
    assert not copy.enabled
    assert copy.arguments["start_urls"] == ["https://s.example/Shoes"]
    assert copy.schedules.get().cron == "0 9 * * *"


def test_many_tasks_come_from_a_spreadsheet(pages, tasks):
    rows = "name,spider,schedule,start_urls\n" + "".join(
        f"Hat {n},shop,weekdays at 06:30,https://s.example/{n}\n" for n in range(3)
    )
    wrong = rows + "Cap,nowhere,on Mondayish,\n"
    page = pages.open("/admin/me/")
    page.goto(pages.url + reverse("admin:tasks_task_spreadsheet"))

    def hand_in(text):
        file = {"name": "tasks.csv", "mimeType": "text/csv", "buffer": text.encode()}
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Show the tasks").click()

    hand_in(wrong)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was made")
    assert Task.objects.count() == 3
    hand_in(rows)
    page.get_by_role("button", name="Make these tasks").click()
    expect(page.locator(".sp-banner--success")).to_be_visible()
    made = Task.objects.filter(name__startswith="Hat")
    assert made.count() == 3
    assert not any(task.enabled for task in made)


def test_a_bad_run_goes_to_the_developer_without_secrets(pages, tasks):
    run = make_run(tasks[0], 1, "failed", reason="blocked", detail={"code": 403},
                   secrets=tasks[0].secrets)  # fmt: skip
    folder = run_folder(run)
    folder.mkdir(parents=True)
    line = "2026-03-24 10:00:01 [shop] ERROR: refused with key hunter2\n"
    (folder / "run.log").write_text(line)
    page = pages.open(reverse("admin:tasks_run_page", args=[run.pk]))
    page.get_by_text("Technical details", exact=False).first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Send to developer").last.click()
    with zipfile.ZipFile(BytesIO(Path(download.value.path()).read_bytes())) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert any("refused with key" in text for text in texts.values())
    assert not any("hunter2" in text for text in texts.values())
    assert json.loads(texts[next(name for name in texts if name.endswith("report.json"))])


def test_what_is_unusual_is_said_in_a_sentence(pages, tasks):
    make_run(tasks[0], 2)
    run = make_run(tasks[0], 1, "suspicious", reason="few_items", detail={"usual": 145})
    page = pages.open(reverse("admin:tasks_run_page", args=[run.pk]))
    expect(page.locator("h1")).to_contain_text("31")
    expect(page.locator("main")).to_contain_text("145")
    page.goto(pages.url + "/admin/")
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention).to_contain_text("Shoes")
    expect(attention).to_contain_text("145")


BUTTONS = {
    "Viewer": {"run": 0, "edit": 0},
    "Operator": {"run": 1, "edit": 0},
    "Editor": {"run": 1, "edit": 1},
    "Administrator": {"run": 1, "edit": 1},
}


@pytest.mark.parametrize("group", BUTTONS)
def test_each_group_sees_the_buttons_that_it_may_press(pages, tasks, group):
    person("Nina", "Ny", group)
    page = pages.browser.new_context().new_page()
    pages.log_in(page, TASKS, "nina")
    can = BUTTONS[group]
    expect(page.get_by_role("switch")).to_have_count(3 * can["run"])
    expect(page.get_by_role("link", name="New task")).to_have_count(can["edit"])
    page.goto(pages.url + reverse("admin:tasks_task_change", args=[tasks[0].pk]))
    bar = page.locator(".sp-actionbar")
    expect(bar.get_by_role("button", name="Save", exact=True)).to_have_count(can["edit"])
    expect(bar.get_by_role("button", name="Test run")).to_have_count(can["run"])
    answer = page.goto(pages.url + reverse("admin:tasks_task_add"))
    assert answer.status == (200 if can["edit"] else 403)


def test_an_operator_runs_and_switches_from_the_page_of_a_task(pages, tasks):
    person("Nina", "Ny", "Operator")
    page = pages.browser.new_context().new_page()
    pages.log_in(page, TASKS, "nina")
    page.get_by_role("link", name="Shoes").click()
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("“Shoes” is off.")).to_be_visible()
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("“Shoes” is on.")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/admin/tasks/run/**")
    assert Run.objects.get().task == tasks[0]

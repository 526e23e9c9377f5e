"""What people do on a phone: nothing that the desk offers is out of reach there."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tasks.models import Run, SpiderInfo, Task
from tasks.services.controls import hold_everything, release_hold
from tasks.services.tasks import create_task, update_task
from tests.people import person

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.any_database]

PHONE = {"width": 380, "height": 800}
LIST = "admin:tasks_task_changelist"


@pytest.fixture
def shops(pages):
    SpiderInfo.objects.create(name="shop", title="Shop", schema={}, seen_at=timezone.now())
    for name in ["Boots", "Hats", "Shoes"]:
        create_task(task_id=name.lower(), name=name, spider="shop")
    return pages


def switched_on():
    return [*Task.objects.filter(enabled=True).order_by("name").values_list("name", flat=True)]


@pytest.mark.parametrize("scripts", [True, False])
def test_several_tasks_are_changed_at_once(shops, scripts):
    page = shops.open(reverse(LIST), viewport=PHONE, java_script_enabled=scripts)
    turn_off = page.get_by_role("button", name="Turn off")
    expect(turn_off).to_be_hidden()
    page.get_by_label("Select Boots").check()
    page.get_by_label("Select Shoes").check()
    turn_off.click()
    expect(page.get_by_text("2 tasks are off.")).to_be_visible()
    assert switched_on() == ["Hats"]


def test_all_tasks_of_the_page_are_selected_and_the_buttons_stay_at_hand(shops):
    page = shops.open(reverse(LIST), viewport={"width": 380, "height": 500})
    page.get_by_text("All tasks on this page").click()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_label("Select Shoes").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("button", name="Turn off")).to_be_in_viewport()


def test_who_only_looks_is_offered_no_selection(shops):
    person("Viktor", "Ek", "Viewer")
    page = shops.open("/admin/me/", viewport=PHONE)
    page.context.clear_cookies()
    shops.log_in(page, reverse(LIST), "viktor")
    expect(page.get_by_role("link", name="Boots")).to_be_visible()
    expect(page.get_by_text("All tasks on this page")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_a_task_is_deleted(shops):
    boots = Task.objects.get(name="Boots")
    page = shops.open(reverse("admin:tasks_task_change", args=[boots.pk]), viewport=PHONE)
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 task is deleted.")).to_be_visible()


def test_what_is_not_saved_yet_is_said(shops):
    page = shops.open(reverse("admin:tasks_task_add"), viewport=PHONE)
    page.get_by_label("Task name").fill("Caps")
    expect(page.get_by_text("Not saved yet")).to_be_in_viewport()


CUT = """() => [...document.querySelectorAll('select')].filter(each => each.checkVisibility())
  .filter(each => {
    const style = getComputedStyle(each), pen = document.createElement('canvas').getContext('2d')
    pen.font = style.font
    const room = each.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
    return pen.measureText(each.selectedOptions[0].text).width > room
  }).map(each => each.selectedOptions[0].text)"""


def test_what_is_chosen_can_be_read_to_its_end(shops, settings):
    settings.SCHEDULER_TIMEZONE = "Europe/Berlin"
    person("Anna", "Berg", "Administrator")
    page = shops.open("/admin/me/", viewport=PHONE)
    page.context.clear_cookies()
    shops.log_in(page, "/admin/", "anna")
    page.context.set_extra_http_headers({"Accept-Language": "de"})
    for name in ["me", "tasks_task_add", "auth_user_add", "tasks_blackout_add", "clean_up"]:
        page.goto(shops.url + reverse(f"admin:{name}"))
        assert page.evaluate(CUT) == [], name


def test_why_a_run_failed_and_its_figures_have_the_width_of_the_page(shops):
    run = Run.objects.create(
        task_key="gone", task_name="A name that is long enough", trigger="schedule",
        status="failed", reason="robots", at=timezone.now(), started_at=timezone.now(),
        finished_at=timezone.now(),
        stats={"downloader/exception_type_count/scrapy.Ignored": 1234,
               "finish_time": "2026-03-24T10:00:00.123456+00:00"},
    )  # fmt: skip
    page = shops.open(reverse("admin:tasks_run_changelist"), viewport=PHONE)
    why = page.get_by_text("asks spiders to leave these pages out")
    assert why.bounding_box()["width"] > 300
    page.goto(shops.url + reverse("admin:tasks_run_page", args=[run.pk]))
    page.get_by_text("Technical details").click()
    figure = page.get_by_role("cell", name="1234", exact=True).bounding_box()
    assert figure["x"] + figure["width"] <= PHONE["width"]
    assert page.get_by_role("rowheader", name="finish_time").bounding_box()["width"] > 100


SMALL = """() => [...document.querySelectorAll('main a, main button, main input, main summary')]
  .filter(each => each.checkVisibility() && getComputedStyle(each).display !== 'inline')
  .map(each => [each, (each.closest('label') ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([each, box]) => `${each.outerHTML.slice(0, 80)}: ${box.width} x ${box.height}`)"""


def test_a_finger_meets_what_it_presses(shops):
    task = Task.objects.get(name="Boots")
    Run.objects.create(task=task, task_key="boots", task_name="Boots", status="succeeded",
                       trigger="schedule", at=timezone.now())  # fmt: skip
    form = reverse("admin:tasks_task_change", args=[task.pk])
    page = shops.open(reverse("admin:index"), viewport=PHONE)
    small = {}
    for address in [
        "/admin/", reverse(LIST), form, reverse("admin:tasks_run_changelist"),
        reverse("admin:tasks_task_history", args=[task.pk]),
    ]:  # fmt: skip
        page.goto(shops.url + address)
        if found := page.evaluate(SMALL):
            small[address] = found
    assert small == {}


def test_who_starts_and_stops_has_their_buttons_in_one_row(shops):
    person("Olof", "Dahl", "Operator")
    page = shops.open("/admin/me/", viewport=PHONE)
    page.context.clear_cookies()
    boots = Task.objects.get(name="Boots")
    shops.log_in(page, reverse("admin:tasks_task_change", args=[boots.pk]), "olof")
    page.context.set_extra_http_headers({"Accept-Language": "de"})
    page.reload()
    bar = page.locator(".sp-actionbar")
    assert bar.get_by_role("button").count() == 3
    assert bar.bounding_box()["height"] < 80


@pytest.mark.parametrize("width", [740, 900, 961, 1024, 1100])
def test_between_phone_and_desk_menus_open_inside_of_the_window(shops, width):
    page = shops.open(reverse(LIST), viewport={"width": width, "height": 800})
    for name in [LIST, "admin:tasks_run_changelist"]:
        page.goto(shops.url + reverse(name))
        for filters in page.locator(".sp-drop summary").all():
            filters.click()
            panel = page.locator(".sp-drop[open] .sp-drop__panel").bounding_box()
            assert panel["x"] >= 0
            assert panel["x"] + panel["width"] <= width


def test_between_phone_and_desk_names_have_room_beside_their_bars(shops):
    for task in Task.objects.all():
        task.name = f"Prices of {task.name} in every shop"
        task.save()
        Run.objects.create(task=task, task_key=task.task_id, task_name=task.name,
                           status="succeeded", trigger="schedule", at=timezone.now())  # fmt: skip
    page = shops.open(viewport={"width": 961, "height": 800})
    for name in page.locator(".sp-bars .sp-cell-main").all():
        assert name.evaluate("each => each.scrollHeight - each.clientHeight") <= 4


@pytest.mark.parametrize("width", [725, 768, 861, 961, 1024, 1161, 1241])
def test_between_phone_and_desk_each_switch_is_in_sight(shops, width):
    times = [{"kind": "cron", "cron": "30 6 * * 1-5", "timezone": "America/New_York"}]
    now = timezone.now()
    for task in Task.objects.all():
        update_task(task_id=task.task_id, name=f"Prices of {task.name} in shops", schedules=times)
        Run.objects.create(task=task, task_key=task.task_id, task_name=task.name, trigger="api",
                           status="failed", reason="timeout", at=now, started_at=now,
                           finished_at=now, requested_by="somebody.else")  # fmt: skip
    page = shops.open("/admin/", viewport={"width": width, "height": 800})
    page.context.set_extra_http_headers({"Accept-Language": "de"})
    for name in [LIST, "admin:tasks_run_changelist"]:
        page.goto(shops.url + reverse(name))
        hidden = page.locator(".sp-scroll").evaluate("each => each.scrollWidth - each.clientWidth")
        assert (name, hidden) == (name, 0)


def test_past_holds_are_read_without_scrolling(shops):
    hold_everything(note="The website is being moved to another computer over the weekend")
    release_hold()
    person("Anna", "Berg", "Administrator")
    page = shops.open("/admin/", viewport=PHONE)
    page.context.clear_cookies()
    shops.log_in(page, reverse("admin:tasks_hold_changelist"), "anna")
    table = page.locator(".sp-scroll")
    expect(table).to_contain_text("being moved")
    assert table.evaluate("each => each.scrollWidth - each.clientWidth") == 0
    expect(table.get_by_role("cell").last).to_be_in_viewport()

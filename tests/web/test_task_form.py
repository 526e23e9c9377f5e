from __future__ import annotations

import re
from datetime import timedelta
from itertools import islice

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.models import Run, Schedule, SpiderInfo, Task
from tasks.services.tasks import create_task
from tasks.web import plan
from tasks.web.forms.task import TaskForm

ADD = "admin:tasks_task_add"
SCHEMA = {
    "type": "object",
    "required": ["start_urls"],
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}, "title": "Pages to read"},
        "max_pages": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        "sold_out": {"type": "boolean", "default": True},
        "api_key": {"type": "string", "format": "password", "default": ""},
    },
}


@pytest.fixture
def shop(db):
    return SpiderInfo.objects.create(
        name="shop",
        title="Shop",
        description="Reads a shop.",
        schema=SCHEMA,
        seen_at=timezone.now(),
    )


@pytest.fixture
def editor(client, maja):
    client.force_login(maja)
    return client


def form(**changes):
    data = {
        "name": "Shoes",
        "spider": "shop",
        "arg_start_urls": "https://shop.example/shoes\nhttps://shop.example/boots",
        "arg_sold_out": "on",
        "timeout": "60",
        "overlap_policy": "skip",
        "max_instances": "3",
        "catch_up": "latest",
        "enabled": "on",
        "schedules-TOTAL": "1",
        "schedules-0-kind": "weekly",
        "schedules-0-weekly_days": ["mon", "fri"],
        "schedules-0-weekly_time": "06:30",
        "schedules-0-timezone": "Europe/Stockholm",
        "schedules-0-enabled": "on",
        "_save": "",
    }
    return {name: value for name, value in {**data, **changes}.items() if value is not None}


def test_a_task_with_its_time_is_added_through_the_form(editor, shop):
    answer = editor.post(reverse(ADD), form(), follow=True)
    task = Task.objects.get()
    assert task.arguments == {
        "start_urls": ["https://shop.example/shoes", "https://shop.example/boots"],
        "sold_out": True,
    }
    assert (task.timeout, task.enabled) == (3600, True)
    schedule = task.schedules.get()
    assert (schedule.cron, schedule.timezone) == ("30 6 * * 1,5", "Europe/Stockholm")
    assert "is saved. Next run:" in answer.content.decode()


def test_a_moment_that_the_clocks_jump_over_is_at_the_end_of_the_gap(editor, shop):
    moment = {"schedules-0-once_date": "2099-03-29", "schedules-0-once_time": "02:30"}
    editor.post(reverse(ADD), form(**{"schedules-0-kind": "once", **moment}))
    schedule = Task.objects.get().schedules.get()
    assert schedule.timezone == "Europe/Stockholm"
    assert schedule.run_at.isoformat() == "2099-03-29T01:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Give the task a name."),
        ({"schedules-0-weekly_days": None}, "No day is chosen."),
        ({"schedules-0-kind": "cron", "schedules-0-cron": "99 * * * *"}, "Minute must be"),
        ({"schedules-0-kind": "every", "schedules-0-every_n": "1",
          "schedules-0-every_unit": "seconds"}, "more often than"),
        ({"schedules-0-kind": "once", "schedules-0-once_date": "2001-01-01",
          "schedules-0-once_time": "09:00"}, "already passed"),
        ({"arg_start_urls": ""}, "This is needed."),
        ({"arg_max_pages": "0"}, "Enter 1 or more."),
        ({"set_CONCURRENT_REQUESTS": "1000"}, "1 to 64"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field(editor, shop, changes, words):
    answer = editor.post(reverse(ADD), form(**changes))
    page = answer.content.decode()
    assert not Task.objects.exists()
    assert words in page
    assert 'aria-invalid="true"' in page
    assert "Not saved." in page


def test_all_that_is_wrong_is_said_at_once_and_in_plain_words(editor, shop):
    wrong = {
        "timeout": "0", "max_retries": "999", "alert_to": "maja@shop.example, nobody",
        "arg_start_urls": "", "arg_max_pages": "0", "set_CONCURRENT_REQUESTS": "1000",
    }  # fmt: skip
    page = editor.post(reverse(ADD), form(**wrong)).content.decode()
    for words in ("Enter 0.1 or more.", "Enter 10 or less.", "“nobody” is no e-mail address.",
                  "This is needed.", "Enter 1 or more.", "1 to 64"):  # fmt: skip
        assert words in page
    assert "Ensure this value" not in page
    assert "cannot be blank" not in page
    assert not Task.objects.exists()


def test_what_was_typed_stays_when_something_is_wrong(editor, shop):
    page = editor.post(reverse(ADD), form(name="", arg_max_pages="7")).content.decode()
    assert "https://shop.example/boots" in page
    assert 'value="7"' in page


def test_showing_the_next_runs_saves_nothing(editor, shop):
    page = editor.post(reverse(ADD), form(_preview="")).content.decode()
    assert not Task.objects.exists()
    assert "Mondays and Fridays at 06:30" in page
    assert page.count('<li><time datetime="') == 5


def test_another_time_can_be_added_without_scripts(editor, shop):
    page = editor.post(reverse(ADD), form(_add_schedule="")).content.decode()
    assert 'data-builder="schedules-1"' in page
    assert not Task.objects.exists()


@pytest.fixture
def task(editor, shop):
    editor.post(reverse(ADD), form(arg_api_key="hush"))
    return Task.objects.get()


def change(task):
    return reverse("admin:tasks_task_change", args=[task.pk])


def test_a_secret_is_kept_and_never_shown(editor, task):
    page = editor.get(change(task)).content.decode()
    assert "hush" not in page
    assert "A value is stored and never shown." in page
    before = task.secrets
    editor.post(change(task), form(version=str(task.version), name="Boots"))
    task.refresh_from_db()
    assert (task.name, task.secrets) == ("Boots", before)


def test_an_edited_time_keeps_its_row(editor, task):
    schedule = task.schedules.get()
    editor.post(
        change(task),
        form(**{
            "version": str(task.version),
            "schedules-0-key": schedule.key,
            "schedules-0-kind": "daily",
            "schedules-0-daily_time": "08:00",
        }),
    )  # fmt: skip
    assert task.schedules.get().pk == schedule.pk
    assert task.schedules.get().cron == "0 8 * * *"


def test_two_people_do_not_overwrite_each_other_silently(editor, task):
    stale = str(task.version)
    editor.post(change(task), form(version=stale, name="First"))
    page = editor.post(change(task), form(version=stale, name="Second")).content.decode()
    task.refresh_from_db()
    assert task.name == "First"
    assert "Somebody else changed this task meanwhile." in page
    assert 'value="Second"' in page
    editor.post(change(task), form(version=stale, name="Second", _overwrite="1"))
    task.refresh_from_db()
    assert task.name == "Second"


def test_arguments_that_the_spider_no_longer_asks_for_are_kept_and_flagged(editor, task, shop):
    shop.schema = {
        **SCHEMA,
        "properties": {k: v for k, v in SCHEMA["properties"].items() if k != "sold_out"},
    }
    shop.save()
    page = editor.get(change(task)).content.decode()
    assert "no longer asks for these" in page
    editor.post(change(task), form(version=str(task.version), arg_sold_out=None, name="Kept"))
    task.refresh_from_db()
    assert task.name == "Kept"
    assert task.arguments["sold_out"] is True
    editor.post(
        change(task), form(version=str(task.version), arg_sold_out=None, drop_sold_out="on")
    )
    task.refresh_from_db()
    assert "sold_out" not in task.arguments


def test_save_and_run_now_leads_to_the_run(editor, shop):
    answer = editor.post(reverse(ADD), form(_run="", _save=None))
    run = Run.objects.get()
    assert answer.url == reverse("admin:tasks_run_page", args=[run.pk])
    assert (run.trigger, run.requested_by) == ("manual", "maja")


def test_a_new_task_that_is_tested_stays_off_until_somebody_switches_it_on(editor, shop):
    editor.post(reverse(ADD), form(_test="", _save=None))
    run, task = Run.objects.get(), Task.objects.get()
    assert (run.trigger, run.settings["CLOSESPIDER_ITEMCOUNT"]) == ("test", 5)
    assert not task.enabled
    Run.objects.update(status="succeeded", started_at=timezone.now(), finished_at=timezone.now())
    page = editor.get(reverse("admin:tasks_run_page", args=[run.pk])).content.decode()
    assert "Looks right, switch it on" in page
    editor.post(reverse("admin:tasks_task_switch", args=[task.pk]), {"on": "1"})
    task.refresh_from_db()
    assert task.enabled


def test_only_a_test_with_items_can_look_right(editor, shop):
    editor.post(reverse(ADD), form(_test="", _save=None))
    run = Run.objects.get()
    now = timezone.now()
    Run.objects.update(status="failed", reason="blocked", started_at=now, finished_at=now)
    address = reverse("admin:tasks_run_page", args=[run.pk])
    page = editor.get(address).content.decode()
    assert "Looks right" not in page
    assert "Test again" in page
    folder = run_folder(run)
    folder.mkdir(parents=True)
    (folder / "items.jsonl").write_text('{"name": "Mug"}\n')
    Run.objects.update(status="suspicious", reason="few_items", items=1)
    page = editor.get(address).content.decode()
    assert "Looks right, switch it on" in page
    assert "the task is still off" in page
    switch = reverse("admin:tasks_task_switch", args=[run.task_id])
    said = editor.post(switch, {"on": "1"}, follow=True).content.decode()
    assert "is on. Next run:" in said


def test_a_mixed_interval_stays_as_it_is(editor, task):
    Schedule.objects.update(kind="interval", days=1, hours=2, cron="")
    page = editor.get(change(task)).content.decode()
    assert 'value="keep" checked' in page
    schedule = task.schedules.get()
    editor.post(
        change(task),
        form(**{
            "version": str(task.version),
            "schedules-0-key": schedule.key,
            "schedules-0-kind": "keep",
        }),
    )  # fmt: skip
    schedule.refresh_from_db()
    assert (schedule.days, schedule.hours) == (1, 2)


def test_the_preview_is_refused_to_strangers_and_changes_nothing(client, editor, shop, viktor):
    query = {"schedules-0-kind": "daily", "schedules-0-daily_time": "09:00",
             "schedules-0-timezone": "UTC", "schedules-0-enabled": "on"}  # fmt: skip
    page = editor.get(reverse("admin:tasks_preview"), query).content.decode()
    assert "Every day at 09:00" in page
    assert not Task.objects.exists()
    client.logout()
    assert client.get(reverse("admin:tasks_preview"), query).status_code == 302


def preview_of(editor, **fields):
    query = {"kind": "daily", "daily_time": "09:00", "timezone": "UTC", "enabled": "on", **fields}
    task = {"task": query.pop("task")} if "task" in query else {}
    query = {f"schedules-0-{name}": value for name, value in query.items()}
    page = editor.get(reverse("admin:tasks_preview"), {**query, **task}).content.decode()
    return page, re.findall(r'datetime="([^"]+)"', page)


def test_a_preview_starts_as_late_as_the_saved_schedule_will(editor, shop):
    task = create_task(
        task_id="late", name="Late", spider="shop",
        arguments={"start_urls": ["https://s.example/"]},
        schedules=[{"kind": "cron", "cron": "0 9 * * *", "timezone": "UTC"}],
    )  # fmt: skip
    schedule = task.schedules.get()
    page, spread = preview_of(editor, task="late", key=schedule.key, jitter_minutes=240)
    assert "Saving settles" not in page
    schedule.jitter = 240 * 60
    schedule.save()
    saved = [f"{at:%Y-%m-%dT%H:%M}" for at in islice(plan.upcoming(schedule, timezone.now()), 5)]
    assert [each[:16] for each in spread] == saved
    assert spread != preview_of(editor)[1]


def test_a_new_schedule_says_that_its_starts_will_be_spread(editor, shop):
    page, times = preview_of(editor, jitter_minutes=30)
    assert "Each starts up to 30 min later. Saving settles by how much." in page
    assert all("T09:00" in each for each in times)


def test_a_preview_names_the_clock_that_it_goes_by(editor, shop):
    chosen = {"kind": "daily", "daily_time": "09:00", "timezone": "America/New_York"}
    fields = {f"schedules-0-{name}": value for name, value in chosen.items()}
    page = editor.get(reverse("admin:tasks_preview"), fields).content.decode()
    assert "Every day at 09:00, New York time" in page


def test_every_field_of_the_form_is_explained(editor, shop):
    explains_itself = {"enabled", "spider"}
    bare = {n for n, each in TaskForm().fields.items() if not each.help_text} - explains_itself
    assert bare == set()


def test_the_time_limit_says_how_long_runs_usually_take(editor, task):
    now = timezone.now()
    for _ in range(3):
        Run.objects.create(task=task, task_key=task.task_id, trigger="schedule", at=now,
                           status="succeeded", items=9, started_at=now - timedelta(minutes=3),
                           finished_at=now)  # fmt: skip
    page = editor.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
    assert "A usual run takes 3 min." in page


def test_an_unfit_preview_names_the_field(editor, shop):
    query = {"schedules-0-kind": "cron", "schedules-0-cron": "1 2 3", "schedules-0-timezone": "UTC"}
    page = editor.get(reverse("admin:tasks_preview"), query).content.decode()
    assert 'data-field="cron"' in page
    assert "Fix the marked field" in page


def job_form(**changes):
    plain = {"spider": "job:export", "arg_start_urls": None, "arg_sold_out": None}
    return form(**{**plain, "arg_task": "shoes", "arg_format": "xlsx", **changes})


def test_a_job_without_a_spider_is_picked_and_filled_in_like_a_spider(editor, task):
    html = editor.get(reverse(ADD), {"spider": "job:export"}).text
    assert "Without a spider: Export" in html
    assert f'<option value="{task.task_id}">{task.name}</option>' in html
    assert editor.post(reverse(ADD), job_form(arg_task=task.task_id, name="Out")).status_code == 302
    made = Task.objects.get(name="Out")
    assert (made.kind, made.spider) == ("export", "")
    assert made.arguments == {"task": task.task_id, "format": "xlsx"}
    page = editor.get(reverse("admin:tasks_task_change", args=[made.pk])).text
    assert '<option value="xlsx" selected>' in page


def test_a_job_on_a_task_that_is_gone_is_refused_beside_its_field(editor, shop):
    html = editor.post(reverse(ADD), job_form(arg_task="nobody")).text
    assert "There is no task “nobody”." in html
    assert '<option value="nobody" selected>nobody (missing)</option>' in html
    assert not Task.objects.exists()


def test_a_task_can_become_a_job_and_a_spiders_again(editor, task):
    url = reverse("admin:tasks_task_change", args=[task.pk])
    cleanup = job_form(spider="job:cleanup", arg_task=None, arg_format=None, arg_days="9")
    editor.post(url, {**cleanup, "version": task.version})
    task.refresh_from_db()
    assert (task.kind, task.spider, task.arguments["days"]) == ("cleanup", "", 9)
    editor.post(url, {**form(), "version": task.version})
    task.refresh_from_db()
    assert (task.kind, task.spider) == ("spider", "shop")


def test_a_test_run_of_a_clean_up_removes_nothing(editor, db):
    cleanup = job_form(
        spider="job:cleanup", arg_task=None, arg_format=None, arg_days="9", _save=None
    )
    editor.post(reverse(ADD), {**cleanup, "_test": ""})
    assert Run.objects.get().arguments == {"days": 9, "preview": True}


def test_a_list_of_choices_is_ticked(editor, db):
    sources = {"type": "array", "items": {"type": "string", "enum": ["google", "bing", "demo"]}}
    SpiderInfo.objects.create(
        name="search", schema={"properties": {"sources": sources}}, seen_at=timezone.now()
    )
    html = editor.get(reverse(ADD), {"spider": "search"}).text
    assert '<input type="checkbox" name="arg_sources" value="bing">' in html
    data = form(spider="search", arg_start_urls=None, arg_sold_out=None)
    editor.post(reverse(ADD), {**data, "arg_sources": ["bing", "demo"]})
    assert Task.objects.get().arguments == {"sources": ["bing", "demo"]}


def test_a_spider_without_a_description_says_so(editor):
    SpiderInfo.objects.create(name="bare", schema={}, seen_at=timezone.now())
    page = editor.get(reverse("admin:tasks_task_add") + "?spider=bare").content.decode()
    assert "Its developer has not said yet what it does." in page

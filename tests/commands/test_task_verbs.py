from __future__ import annotations

import getpass
import re

import pytest
from django.utils.timezone import now

from tasks.models import AuditEntry, Run, Schedule, Task
from tasks.services import run_task_now
from tasks.services.runs import new_run

pytestmark = pytest.mark.django_db


def test_an_empty_house_lists_no_tasks(tasks):
    assert tasks("list").out == "No tasks.\n"
    assert tasks("list", "--json").json == []


def test_list_says_when_each_task_runs(tasks, shop):
    answer = tasks("list")
    assert answer.out.startswith("ID    NAME         SPIDER  WHEN")
    assert "shop  Shop prices  shop    Every day at 06:00  on" in answer.out
    assert tasks("list", "--json").json[0]["task_id"] == "shop"


def test_list_can_be_narrowed(tasks, shop):
    assert tasks("list", "--disabled", "--json").json == []
    assert len(tasks("list", "--enabled", "--json").json) == 1
    assert tasks("list", "--search", "nothing", "--json").json == []
    assert tasks("list", "--tag", "daily", "--json").json == []


def test_show_masks_secrets(tasks, shop):
    answer = tasks("show", "shop")
    assert "swordfish" not in answer.out
    assert "max_pages" in answer.out
    shown = tasks("show", "shop", "--json").json
    assert shown["arguments"] == {"max_pages": 3, "password": "••••••"}
    assert shown["schedules"][0]["cron"] == "0 6 * * *"
    assert shown["schedule"] == "Every day at 06:00"


def test_show_counts_what_became_of_the_runs_and_names_the_last_error(tasks, shop):
    for status, reason in [("succeeded", ""), ("failed", "http_error"), ("skipped", "hold")]:
        run = new_run(shop, trigger="manual", status=status, reason=reason, finished_at=now())
        run.save(force_insert=True)
    missed = {"trigger": "schedule", "scheduled_for": now(), "slots": 7}
    new_run(shop, status="missed", schedule=shop.schedules.get(), **missed).save(force_insert=True)
    failed = Run.objects.get(status="failed")
    stats = tasks("show", "shop", "--json").json["stats"]
    assert stats.pop("last_error").items() >= {"run_id": str(failed.pk), "job_id": "shop"}.items()
    assert list(stats.values()) == [2, 1, 7, 1]
    shown = tasks("show", "shop").out
    assert re.search(r"executed +2\nfailed +1\nmissed +7\nskipped +1\nlast error +", shown)
    assert f"http_error {failed.pk}" in shown


def test_what_comes_from_outside_cannot_steer_the_terminal(tasks, shop):
    Task.objects.update(name="\x1b]0;gotcha\x07Shop \x1b[31mprices\u202e\x9b2J")
    assert "Shop prices2J" in tasks("list").out
    assert "\x1b" not in tasks("show", "shop").out


def test_add_cron_takes_all_that_a_task_has(tasks, shop_spider):
    answer = tasks(
        "add-cron", "nightly", "shop", "30 6 * * 1-5", "--name", "Nightly prices",
        "--description", "For the buyers", "--arg", "max_pages=5", "--arg",
        'start_urls:=["https://shop.example/a"]', "--setting", "DOWNLOAD_DELAY=2",
        "--timezone", "Europe/Stockholm", "--disabled", "--json",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["schedule"] == "Weekdays at 06:30"
    task = Task.objects.get(task_id="nightly")
    assert task.arguments == {"max_pages": 5, "start_urls": ["https://shop.example/a"]}
    assert task.settings == {"DOWNLOAD_DELAY": 2.0}
    assert (task.name, task.description, task.enabled) == (
        "Nightly prices",
        "For the buyers",
        False,
    )
    assert task.schedules.get().timezone == "Europe/Stockholm"


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        (["--hour", "2"], "0 2 * * *"),
        (["--hour", "9-17", "--minute", "*/15"], "*/15 9-17 * * *"),
        (["--day-of-week", "0-4", "--hour", "7"], "0 7 * * mon,tue,wed,thu,fri"),
        (["--day", "1"], "0 0 1 * *"),
        (["--month", "6"], "0 0 1 6 *"),
        (["--minute", "15"], "15 * * * *"),
    ],
)
def test_add_cron_takes_fields_too(tasks, shop_spider, fields, expression):
    assert tasks("add-cron", "x", "shop", *fields).code == 0
    assert Schedule.objects.get().cron == expression


def test_intervals_add_up(tasks, shop_spider):
    answer = tasks("add-interval", "x", "shop", "--hours", "1", "--minutes", "30")
    assert answer.out.startswith("Added “x”: Every 1 hour and 30 minutes")
    schedule = Schedule.objects.get()
    assert (schedule.hours, schedule.minutes) == (1, 30)


def test_a_moment_stands_on_the_wall_clock_of_its_zone(tasks, shop_spider):
    tasks("add-once", "x", "shop", "2099-04-02 09:30", "--timezone", "Europe/Stockholm")
    assert Schedule.objects.get().run_at.isoformat() == "2099-04-02T07:30:00+00:00"


def test_set_schedule_gives_another_pattern(tasks, shop):
    answer = tasks("set-schedule", "shop", "0 7 * * *", "--timezone", "Asia/Tokyo")
    assert answer.out == "Shop prices: Every day at 07:00\n"
    assert Schedule.objects.get().timezone == "Asia/Tokyo"


def test_off_with_a_note_and_on_again(tasks, shop):
    assert tasks("disable", "shop", "--note", "The site is down").out == "“Shop prices” is off.\n"
    shop.refresh_from_db()
    assert (shop.enabled, shop.disabled_note) == (False, "The site is down")
    assert tasks("enable", "shop", "--json").json["enabled"] is True


def test_remove_keeps_the_history_unless_told(tasks, shop):
    run = run_task_now(task_id="shop")
    Run.objects.filter(pk=run.pk).update(status="failed", reason="timeout")
    assert tasks("remove", "shop").code == 0
    assert not Task.objects.exists()
    assert Run.objects.get().task_key == "shop"


def test_remove_can_take_the_history_along(tasks, shop):
    run = run_task_now(task_id="shop")
    Run.objects.filter(pk=run.pk).update(status="failed", reason="timeout")
    assert tasks("remove", "shop", "--with-history", "--json").json["history_kept"] is False
    assert not Run.objects.exists()


def test_the_audit_names_the_person_at_the_terminal(tasks, shop):
    tasks("disable", "shop")
    entry = AuditEntry.objects.first()
    assert (entry.actor_name, entry.via) == (getpass.getuser(), "command")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "nosuch"], "task_id: There is no task “nosuch”."),
        (["add-cron", "shop", "shop", "0 6 * * *"], "task_id: There is already a task “shop”."),
        (["add-cron", "x", "nosuch", "0 6 * * *"], "spider: There is no spider named “nosuch”."),
        (["add-cron", "x", "shop", "0 25 * * *"], "cron: Hour must be 0 to 23; you wrote 25."),
        (["add-cron", "x", "shop", "--day-of-week", "7"], "--day-of-week: Weekdays are"),
        (["add-cron", "x", "shop", "--day", "1", "--day-of-week", "mon"], "--day-of-week:"),
        (["add-cron", "x", "shop", "--hour", "25"], "--hour: Hour must be 0 to 23"),
        (["add-cron", "a b", "shop", "0 6 * * *"], "task_id: Enter a valid"),
        (["add-cron", "x", "shop", "0 6 * * *", "--arg", "max_pages=no"], "arguments.max_pages:"),
        (["add-cron", "x", "shop", "0 6 * * *", "--arg", "a=1", "--arg", "a=2"], "twice"),
        (["add-cron", "x", "shop", "0 6 * * *", "--setting", "FEEDS=1"], "settings.FEEDS:"),
        (["add-cron", "x", "shop", "0 6 * * *", "--timezone", "Mars/X"], "timezone:"),
        (["add-interval", "x", "shop", "--seconds", "2"], "more often than"),
        (["add-once", "x", "shop", "2001-01-01 09:00"], "already passed"),
        (["add-once", "x", "shop", "tomorrow"], "run_at: Write a date and time"),
        (["set-schedule", "shop", "61 * * * *"], "cron: Minute must be"),
        (["set-schedule", "shop", "0 6 * * *", "--key", "other", "--timezone", ""], ""),
        (["remove", "nosuch"], "There is no task"),
        (["disable", "nosuch"], "There is no task"),
    ],
)
def test_a_refusal_is_one_sentence_and_saves_nothing(tasks, shop, words, sentence):
    before = (Task.objects.count(), Schedule.objects.count(), AuditEntry.objects.count())
    answer = tasks(*words)
    assert answer.code == 1
    assert sentence in answer.err
    assert "\n" not in answer.err
    assert before == (Task.objects.count(), Schedule.objects.count(), AuditEntry.objects.count())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add-cron", "x", "shop", "0 6 * * *", "--hour", "3"], "not both"),
        (["add-cron", "x", "shop"], "Give a cron pattern (EXPR), or fields"),
        (["add-interval", "x", "shop"], "Say how often, by one or more of: --weeks"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(tasks, shop, words, sentence):
    answer = tasks(*words)
    assert (answer.code, answer.out, sentence in answer.err) == (2, "", True)
    assert not Task.objects.filter(task_id="x").exists()


def test_show_writes_lists_as_they_are_typed(tasks, shop_spider):
    address = "https://shop.example/a"
    tasks("add-cron", "x", "shop", "0 6 * * *", "--arg", f"start_urls={address}")
    assert f"start_urls  {address}\n" in tasks("show", "x").out

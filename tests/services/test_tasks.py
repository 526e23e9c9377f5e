from __future__ import annotations

import pytest

from tasks.models import AuditEntry, Run, Schedule, Tag, Task
from tasks.secrets import MASK, unseal
from tasks.services import (
    add_interval_spider_task,
    add_one_time_task,
    add_spider_task,
    create_task,
    disable_task,
    duplicate_task,
    enable_task,
    get_task_info,
    remove_task,
    run_task_now,
    update_task,
    update_task_schedule,
)
from tasks.services.errors import Conflict, InvalidInput, NotFound

from .conftest import ARGUMENTS

pytestmark = pytest.mark.django_db


def test_a_task_with_its_schedule_is_there_to_read(shop):
    info = get_task_info(task_id="shop")
    assert info["name"] == "Shop prices"
    assert info["schedule_type"] == "cron"
    assert info["enabled"] is True
    assert info["next_run_time"].startswith("20")
    assert info["last_run"] is None


def test_the_short_ways_make_each_kind_of_schedule(shop_spider):
    add_spider_task(task_id="a", spider="shop", cron_expression="5 4 * * *", arguments=ARGUMENTS)
    add_interval_spider_task(task_id="b", spider="shop", hours=2, minutes=5, arguments=ARGUMENTS)
    add_one_time_task(
        task_id="c", spider="shop", run_at="2099-04-02 09:30", timezone="Europe/Stockholm",
        arguments=ARGUMENTS,
    )  # fmt: skip
    kinds = dict(Schedule.objects.values_list("task__task_id", "kind"))
    assert kinds == {"a": "cron", "b": "interval", "c": "once"}
    assert Schedule.objects.get(kind="once").run_at.isoformat() == "2099-04-02T07:30:00+00:00"


@pytest.mark.parametrize(
    ("zone", "local", "moment"),
    [
        ("Europe/Stockholm", "2099-03-29 02:30", "2099-03-29T01:00:00+00:00"),
        ("Europe/Stockholm", "2099-10-25 02:30", "2099-10-25T00:30:00+00:00"),
        ("Australia/Lord_Howe", "2099-10-04 02:10", "2099-10-03T15:30:00+00:00"),
    ],
)
def test_one_time_in_a_gap_is_at_its_end_and_one_that_comes_twice_at_the_first(
    shop_spider, zone, local, moment
):
    add_one_time_task(task_id="c", spider="shop", run_at=local, timezone=zone, arguments=ARGUMENTS)
    assert Schedule.objects.get().run_at.isoformat() == moment


def test_a_cron_pattern_may_be_given_by_its_fields(shop_spider):
    add_spider_task(task_id="a", spider="shop", hour=2, minute=30, arguments=ARGUMENTS)
    assert Schedule.objects.get().cron == "30 2 * * *"
    update_task_schedule(task_id="a", hour="9-17", day_of_week="mon-fri")
    assert Schedule.objects.get().cron == "0 9-17 * * mon,tue,wed,thu,fri"
    update_task_schedule(task_id="a", cron_expression="5 4 * * *")
    assert Schedule.objects.get().cron == "5 4 * * *"


@pytest.mark.parametrize(
    ("timing", "field"),
    [
        ({}, "cron_expression"),
        ({"cron_expression": "0 6 * * *", "hour": 6}, "cron_expression"),
        ({"cron_expression": "0 25 * * *"}, "cron_expression"),
        ({"hour": 25}, "hour"),
        ({"cron_expression": "0 6 * * *", "timezone": "Mars/X"}, "timezone"),
    ],
)
def test_the_short_ways_name_what_is_wrong_as_it_was_asked(shop_spider, timing, field):
    with pytest.raises(InvalidInput) as refusal:
        add_spider_task(task_id="a", spider="shop", arguments=ARGUMENTS, **timing)
    assert list(refusal.value.errors) == [field]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"spider": "nosuch"}, "spider"),
        ({"name": "  "}, "name"),
        ({"arguments": {}}, "arguments.start_urls"),
        ({"arguments": {**ARGUMENTS, "max_pages": 0}}, "arguments.max_pages"),
        ({"arguments": {**ARGUMENTS, "max_pages": "many"}}, "arguments.max_pages"),
        ({"arguments": {**ARGUMENTS, "currency": "USD"}}, "arguments.currency"),
        ({"arguments": {**ARGUMENTS, "colour": "red"}}, "arguments.colour"),
        ({"arguments": {**ARGUMENTS, "password": "a\x00b"}}, "arguments.password"),
        ({"arguments": [1]}, "arguments"),
        ({"settings": {"ITEM_PIPELINES": {"os.system": 1}}}, "settings.ITEM_PIPELINES"),
        ({"settings": {"DOWNLOAD_DELAY": "soon"}}, "settings.DOWNLOAD_DELAY"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"task_id": "no slug!"}, "task_id"),
        ({"kind": "robot"}, "kind"),
        ({"executor": "moon"}, "executor"),
        ({"priority": 1000}, "__all__"),
        ({"colour": "red"}, "colour"),
        ({"schedules": [{"kind": "cron", "cron": "99 * * * *"}]}, "schedules.0.cron"),
        ({"schedules": [{"kind": "cron", "cron": "* * * * *", "zone": 1}]}, "schedules.0.zone"),
        ({"schedules": [{"kind": "after", "after_task": "gone"}]}, "schedules.0.after_task"),
        ({"schedules": [{"kind": "once", "run_at": "soon"}]}, "schedules.0.run_at"),
    ],
)
def test_wrong_input_names_its_field_and_saves_nothing(shop_spider, fields, field):
    given = {"task_id": "new", "name": "New", "spider": "shop", "arguments": ARGUMENTS, **fields}
    if given["name"] == "":
        given["task_id"] = ""
    with pytest.raises(InvalidInput) as refusal:
        create_task(**given)
    assert field in refusal.value.errors or (field == "name" and refusal.value.errors)
    assert not Task.objects.exists()
    assert not AuditEntry.objects.exists()


def test_text_becomes_what_the_spider_declares(shop_spider):
    raw = {
        "start_urls": "https://a.example\nhttps://b.example",
        "max_pages": "12",
        "ratio": "0.5",
        "sold_out": "yes",
    }
    task = create_task(task_id="t", name="T", spider="shop", arguments=raw)
    assert task.arguments == {
        "start_urls": ["https://a.example", "https://b.example"],
        "max_pages": 12,
        "ratio": 0.5,
        "sold_out": True,
    }


def test_a_secret_is_stored_sealed_kept_on_change_and_masked_in_the_audit(shop):
    update_task(task_id="shop", arguments={**ARGUMENTS, "password": "hunter2"})
    task = Task.objects.get()
    assert "password" not in task.arguments
    assert unseal(task.secrets["password"]) == "hunter2"
    update_task(task_id="shop", arguments={**ARGUMENTS, "max_pages": 3})
    assert unseal(Task.objects.get().secrets["password"]) == "hunter2"
    for entry in AuditEntry.objects.all():
        assert "hunter2" not in str(entry.changes)
    assert MASK in str(AuditEntry.objects.filter(action="change").last().changes)


def test_a_stale_version_is_refused(shop):
    update_task(task_id="shop", name="One", expected_version=1)
    with pytest.raises(Conflict):
        update_task(task_id="shop", name="Two", expected_version=1)
    assert Task.objects.get().name == "One"


def test_a_refused_schedule_leaves_the_task_unchanged(shop):
    with pytest.raises(InvalidInput):
        update_task(task_id="shop", name="New name", schedules=[{"kind": "cron", "cron": "x"}])
    task = Task.objects.get()
    assert (task.name, task.version) == ("Shop prices", 1)
    assert task.schedules.get().cron == "0 6 * * *"


def test_schedules_keep_their_rows_by_key(shop):
    before = shop.schedules.get()
    update_task(
        task_id="shop",
        schedules=[
            {"key": "cron", "kind": "cron", "cron": "0 7 * * *"},
            {"key": "night", "kind": "interval", "hours": 8},
        ],
    )
    assert shop.schedules.get(key="cron").pk == before.pk
    update_task(task_id="shop", schedules=[{"key": "night", "kind": "interval", "hours": 9}])
    assert [each.hours for each in shop.schedules.all()] == [9]


def test_update_task_schedule_changes_the_only_schedule(shop):
    update_task_schedule(task_id="shop", minutes=15)
    schedule = shop.schedules.get()
    assert (schedule.kind, schedule.minutes, schedule.cron) == ("interval", 15, "")


def test_update_task_schedule_asks_which_of_several(shop):
    two = [{"kind": "interval", "hours": 1}, {"kind": "cron", "cron": "0 1 * * *"}]
    update_task(task_id="shop", schedules=two)
    with pytest.raises(InvalidInput, match="interval"):
        update_task_schedule(task_id="shop", minutes=15)


def test_a_circle_of_follow_ups_is_refused(shop):
    for name, upstream in [("b", "shop"), ("c", "b")]:
        create_task(
            task_id=name, name=name, spider="shop", arguments=ARGUMENTS,
            schedules=[{"kind": "after", "after_task": upstream}],
        )  # fmt: skip
    with pytest.raises(InvalidInput) as refusal:
        update_task(task_id="shop", schedules=[{"kind": "after", "after_task": "c"}])
    assert "schedules.0.after_task" in refusal.value.errors


def test_a_task_that_others_follow_is_not_removed(shop):
    create_task(
        task_id="b", name="Report", spider="shop", arguments=ARGUMENTS,
        schedules=[{"kind": "after", "after_task": "shop"}],
    )  # fmt: skip
    with pytest.raises(Conflict, match="Report"):
        remove_task(task_id="shop")


def test_the_pause_note_has_its_author(shop):
    disable_task(task_id="shop", note="Site is being rebuilt")
    shop.refresh_from_db()
    assert (shop.enabled, shop.disabled_note) == (False, "Site is being rebuilt")
    assert shop.disabled_by == "python"
    assert shop.disabled_at is not None
    enable_task(task_id="shop")
    shop.refresh_from_db()
    assert (shop.enabled, shop.disabled_note, shop.disabled_at) == (True, "", None)


def test_switching_on_again_leaves_the_time_it_was_off_alone(shop):
    disable_task(task_id="shop")
    enable_task(task_id="shop")
    assert shop.schedules.get().watermark is not None


def test_history_is_kept_or_deleted_as_asked(shop):
    run = run_task_now(task_id="shop")
    remove_task(task_id="shop")
    run.refresh_from_db()
    assert (run.task, run.task_key, run.status) == (None, "shop", "cancelled")


def test_history_is_deleted_on_request(shop):
    run_task_now(task_id="shop")
    remove_task(task_id="shop", keep_history=False)
    assert not Run.objects.exists()


def test_a_copy_is_off_and_has_its_own_id(shop):
    update_task(task_id="shop", tags=["prices"], arguments={**ARGUMENTS, "password": "hunter2"})
    copy = duplicate_task(task_id="shop")
    assert copy.task_id != "shop"
    assert copy.enabled is False
    assert copy.schedules.get().cron == "0 6 * * *"
    assert unseal(copy.secrets["password"]) == "hunter2"
    assert list(copy.tags.all()) == [Tag.objects.get(name="prices")]


def test_an_unknown_task_is_named():
    with pytest.raises(NotFound, match="nowhere"):
        get_task_info(task_id="nowhere")


def test_every_change_is_in_the_audit_field_by_field(shop):
    update_task(task_id="shop", name="Better name", timeout=60)
    changes = AuditEntry.objects.filter(action="change").get().changes
    assert changes == {"name": ["Shop prices", "Better name"], "timeout": [3600, 60]}

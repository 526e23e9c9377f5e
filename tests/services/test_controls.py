from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import AuditEntry, Blackout
from tasks.services import update_task
from tasks.services.controls import (
    current_hold,
    hold_everything,
    release_hold,
    remove_blackout,
    save_blackout,
)
from tasks.services.errors import Conflict, InvalidInput, NotFound
from tasks.services.tasks import disable_task, get_task
from tasks.services.undo import undo_last_change

pytestmark = pytest.mark.django_db


def test_a_hold_lasts_until_it_is_released():
    hold_everything(note="Database moves")
    assert current_hold().note == "Database moves"
    release_hold()
    assert current_hold() is None


def test_a_hold_ends_by_itself():
    end = timezone.now() + timedelta(hours=1)
    hold_everything(note="Database moves", ends_at=end)
    assert current_hold(now=end - timedelta(seconds=1)) is not None
    assert current_hold(now=end) is None


def test_a_second_hold_is_refused():
    hold_everything(note="One")
    with pytest.raises(Conflict):
        hold_everything(note="Two")


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"note": " "}, "note"), ({"note": "x" * 501}, "note"),
     ({"note": "x", "ends_at": timezone.now() - timedelta(1)}, "ends_at")],
)  # fmt: skip
def test_a_wrong_hold_names_its_field(fields, field):
    with pytest.raises(InvalidInput) as refusal:
        hold_everything(**fields)
    assert field in refusal.value.errors
    assert current_hold() is None


def test_nothing_to_release_is_said():
    with pytest.raises(Conflict):
        release_hold()


NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
ONCE = {"start_time": None, "end_time": None, "weekdays": []}
NIGHT = {"name": "Night", "weekdays": ["mon"], "start_time": time(22), "end_time": time(6)}


def test_a_weekly_blackout_is_saved_changed_and_removed():
    blackout = save_blackout(**NIGHT)
    save_blackout(blackout_id=blackout.pk, weekdays=["mon", "tue"])
    assert Blackout.objects.get().weekdays == ["mon", "tue"]
    remove_blackout(blackout_id=blackout.pk)
    assert not Blackout.objects.exists()
    with pytest.raises(NotFound):
        remove_blackout(blackout_id=blackout.pk)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": ["someday"]}, "weekdays"),
        ({"timezone": "Moon/Base"}, "timezone"),
        ({"start_time": None}, "start_time"),
        ({"start_time": None, "end_time": None, "weekdays": []}, "starts_at"),
        ({"starts_at": NOON, "ends_at": NOON}, "starts_at"),
        ({**ONCE, "starts_at": NOON}, "ends_at"),
        ({**ONCE, "ends_at": NOON}, "starts_at"),
        ({**ONCE, "starts_at": NOON, "ends_at": NOON}, "ends_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_blackout_names_its_field(change, field):
    with pytest.raises(InvalidInput) as refusal:
        save_blackout(**{**NIGHT, **change})
    assert field in refusal.value.errors
    assert not Blackout.objects.exists()


def test_the_last_change_is_taken_back(shop):
    schedules = [{"key": "often", "kind": "interval", "minutes": 5}]
    update_task(task_id="shop", name="Other", tags=["a"], schedules=schedules)
    undo_last_change(task_id="shop")
    task = get_task("shop")
    assert (task.name, task.tags.count()) == ("Shop prices", 0)
    assert task.schedules.get().cron == "0 6 * * *"
    assert AuditEntry.objects.filter(action="change").count() == 2


def test_switching_off_is_taken_back(shop):
    disable_task(task_id="shop", note="Oops")
    undo_last_change(task_id="shop")
    assert get_task("shop").enabled


def test_a_new_task_has_nothing_to_take_back(shop):
    with pytest.raises(Conflict):
        undo_last_change(task_id="shop")


def test_another_secret_is_told_without_its_value_and_can_not_be_taken_back(shop, client, anna):
    update_task(task_id="shop", arguments={**shop.arguments, "password": "tulip"})
    update_task(task_id="shop", arguments={**shop.arguments, "password": "tulip"})
    assert AuditEntry.objects.filter(action="change").count() == 1  # the same value is no change
    update_task(task_id="shop", arguments={**shop.arguments, "password": "rose"})
    entry = AuditEntry.objects.first()
    assert entry.changes == {"secrets": [[], ["password"]]}
    client.force_login(anna)
    page = client.get(reverse("admin:tasks_task_history", args=[shop.pk])).content.decode()
    assert "Secret “password”" in page
    assert "rose" not in page
    with pytest.raises(Conflict):
        undo_last_change(task_id="shop")

"""The last change of a task is taken back whole, whatever it changed, and told field by field."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.models import AuditEntry, SpiderInfo, Task
from tasks.secrets import MASK, unseal
from tasks.services.actors import person
from tasks.services.errors import Conflict, Forbidden
from tasks.services.tasks import create_task, disable_task, update_task
from tasks.services.undo import last_change, undo_last_change
from tasks.services.writing import state_of_task

SCHEMA = {"properties": {"url": {"type": "string"}, "password": {"type": "string", "secret": True}}}
NIGHT = {"key": "night", "kind": "cron", "cron": "0 3 * * *", "timezone": "UTC"}
NOON = {"key": "noon", "kind": "cron", "cron": "0 12 * * *", "timezone": "UTC"}


@pytest.fixture
def task(db):
    SpiderInfo.objects.create(name="shop", schema=SCHEMA, seen_at=timezone.now())
    return create_task(
        task_id="shoes", name="Shoes", spider="shop", tags=["prices"], schedules=[NIGHT],
        arguments={"url": "https://a.example/", "password": "old"},
    )  # fmt: skip


CHANGES = {
    "name": {"name": "Boots"},
    "tags": {"tags": ["stock", "weekly"]},
    "no tags": {"tags": []},
    "another time": {"schedules": [{**NIGHT, "cron": "0 4 * * *"}]},
    "one more schedule": {"schedules": [NIGHT, NOON]},
    "other schedules": {"schedules": [NOON]},
    "no schedule": {"schedules": []},
    "arguments": {"arguments": {"url": "https://b.example/", "password": MASK}},
    "limits": {"timeout": 60, "max_retries": 2, "usual_share": 0, "min_items": 5},
    "settings": {"settings": {"DOWNLOAD_DELAY": 2.0}},
    "several": {"name": "Boots", "tags": ["x"], "schedules": [], "enabled": False},
}


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES)
def test_each_kind_of_change_is_taken_back(task, maja, fields):
    before = state_of_task(task)
    update_task(task_id="shoes", actor=person(maja, "admin"), **fields)
    entry = last_change(task_id="shoes")
    changed = state_of_task(Task.objects.get())
    assert {name: pair for name, pair in entry.changes.items() if name != "secrets"} == {
        name: [before[name], changed[name]] for name in before if before[name] != changed[name]
    }
    undo_last_change(task_id="shoes", actor=person(maja, "admin"))
    assert state_of_task(Task.objects.get()) == before
    assert unseal(Task.objects.get().secrets["password"]) == "old"


def test_a_switch_with_its_note_is_taken_back(task):
    disable_task(task_id="shoes", note="broken")
    undo_last_change(task_id="shoes")
    assert (Task.objects.get().enabled, Task.objects.get().disabled_note) == (True, "")


def test_no_value_of_a_secret_is_told_nor_put_back(task):
    update_task(task_id="shoes", arguments={"url": "https://a.example/", "password": "newer"})
    told = str(list(AuditEntry.objects.values_list("changes", flat=True)))
    assert "password" in told
    assert "old" not in told
    assert "newer" not in told
    assert last_change(task_id="shoes") is None
    with pytest.raises(Conflict):
        undo_last_change(task_id="shoes")


def test_what_was_changed_again_or_by_whom_may_not_is_not_undone(task, olof):
    update_task(task_id="shoes", name="Boots")
    with pytest.raises(Forbidden):
        undo_last_change(task_id="shoes", actor=person(olof, "admin"))
    Task.objects.update(name="Sandals")  # past the services
    with pytest.raises(Conflict):
        undo_last_change(task_id="shoes")

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

import tasks.services as services_package
from tasks.models import Run, SpiderInfo
from tasks.services.actors import PYTHON, person
from tasks.services.tasks import create_task, disable_task, update_task
from tasks.web import changes


def stopped(by):
    now = timezone.now()
    return Run.objects.create(
        task_key="shoes", task_name="Shoes", spider="shop", status="cancelled",
        reason="cancelled", trigger="manual", requested_by=by, cancel_requested_by=by, at=now,
        started_at=now, finished_at=now,
    )  # fmt: skip


@pytest.mark.parametrize(("by", "shown"), [("maja", "Maja Lind"), ("deploy", "deploy")])
def test_people_go_by_their_names_and_machines_by_theirs(client, maja, by, shown):
    client.force_login(maja)
    run = stopped(by)
    history = client.get(reverse("admin:tasks_run_changelist")).content.decode()
    page = client.get(reverse("admin:tasks_run_page", args=[run.pk])).content.decode()
    assert f"Stopped by {shown}" in history
    assert f"started by {shown}" in page
    assert Run.objects.get().requested_by == by


def test_who_switched_a_task_off_goes_by_the_name(client, maja, db):
    task = create_task(task_id="shoes", name="Shoes", kind="cleanup", actor=PYTHON)
    disable_task(task_id="shoes", note="Sale is over.", actor=person(maja, "admin"))
    client.force_login(maja)
    page = client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
    assert re.search("Maja Lind, (Today|Yesterday) ", page)  # it may strike twelve in between


def test_everything_that_is_recorded_has_words():
    services = Path(services_package.__file__).parent
    written = {
        action
        for file in services.glob("*.py")
        for action in re.findall(r'action="([a-z ]+)"', file.read_text())
    }
    assert len(written) > 10
    assert written <= {*changes._action_words(), *changes._made_words()}


def test_a_field_is_named_as_where_it_was_changed(client, anna):
    client.force_login(anna)
    client.post(reverse("admin:me_tokens"), {"name": "Sheet", "read": "on"})
    client.post(reverse("admin:tasks_hold_changelist"), {"note": "Moving"})
    page = client.get(reverse("admin:tasks_auditentry_changelist")).content.decode()
    assert "made an API token" in page
    for label in ["Name", "Why"]:
        assert f">{label}</th>" in page
    assert "Task name" not in page


def test_a_value_is_told_in_the_words_and_units_of_the_form(client, maja, db):
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())
    times = {"kind": "cron", "key": "a", "cron": "0 9 * * *", "timezone": "UTC"}
    task = create_task(task_id="a", name="A", spider="shop", schedules=[times])
    update_task(
        task_id="a", timeout=5400, overlap_policy="queue",
        schedules=[{"kind": "interval", "key": "a", "hours": 2, "timezone": "UTC", "jitter": 120}],
    )  # fmt: skip
    client.force_login(maja)
    address = reverse("admin:tasks_task_history", args=[task.pk])
    lines = {
        line.label: (line.before, line.after)
        for line in client.get(address).context["changes"][0][1].lines
    }
    assert lines["Stop a run after"] == ("1 h", "1 h 30 min")
    assert lines["If the run before it is still going"] == ("Skip the new run", "Wait, then run")
    assert lines["Time “a”, Spread starts over"] == ("0 s", "2 min")
    assert not {"cron", "interval"} & {*lines["Time “a”, Repeat"]}


def test_what_is_inside_of_a_field_is_named_as_in_the_form(client, maja, db):
    schema = {"properties": {"max_pages": {"type": "integer", "title": "Most pages to read"},
                             "depth": {"type": "integer"}}}  # fmt: skip
    SpiderInfo.objects.create(name="shop", schema=schema, seen_at=timezone.now())
    task = create_task(task_id="a", name="A", spider="shop", arguments={"max_pages": 6})
    update_task(task_id="a", arguments={"max_pages": 9, "depth": 1}, settings={"DOWNLOAD_DELAY": 2})
    client.force_login(maja)
    for address in (
        reverse("admin:tasks_task_history", args=[task.pk]),
        reverse("admin:tasks_auditentry_changelist"),
    ):
        lines = client.get(address).context["changes"][0][1].lines
        assert {line.label for line in lines} == {
            "Arguments: Most pages to read", "Arguments: depth", "Settings: Pause between pages",
        }  # fmt: skip

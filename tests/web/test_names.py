from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run
from tasks.services.actors import PYTHON, person
from tasks.services.tasks import create_task, disable_task


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
    create_task(task_id="shoes", name="Shoes", kind="cleanup", actor=PYTHON)
    disable_task(task_id="shoes", note="Sale is over.", actor=person(maja, "admin"))
    client.force_login(maja)
    page = client.get(reverse("admin:tasks_task_change", args=[1])).content.decode()
    assert "Maja Lind, Today" in page

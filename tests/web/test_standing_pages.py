"""Pages that start tasks at other times: spread out, or for the past."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run, SpiderInfo
from tasks.services.backfill import LIMIT, count_backfill
from tasks.services.tasks import create_task


@pytest.fixture
def task(db):
    SpiderInfo.objects.create(name="shop", title="Shop", schema={}, seen_at=timezone.now())
    return create_task(
        task_id="hourly", name="Hourly", spider="shop",
        schedules=[{"kind": "cron", "cron": "0 * * * *", "timezone": "UTC"}],
    )  # fmt: skip


def test_tasks_without_a_time_of_day_are_spread_over_an_hour(client, maja, task):
    client.force_login(maja)
    data = {"action": "stagger", "selected": [task.pk]}
    address = reverse("admin:tasks_task_changelist")
    shown = client.post(address, data).content.decode()
    assert '<option value="-3600" selected>' in shown
    assert "Hourly" in shown
    assert task.schedules.get().jitter == 0
    done = client.post(address, {**data, "step": "-1800", "_confirmed": "1"}, follow=True)
    assert "1 task starts at a new time." in done.content.decode()
    assert task.schedules.get().jitter == 1800
    again = client.post(address, {**data, "step": "-1800"}).content.decode()
    assert "Nothing changes that way." in again
    client.post(reverse("admin:tasks_task_undo", args=[task.pk]))
    assert task.schedules.get().jitter == 0


def test_those_who_may_not_change_tasks_spread_nothing(client, viktor, task):
    client.force_login(viktor)
    data = {"action": "stagger", "selected": [task.pk], "step": "-1800", "_confirmed": "1"}
    assert client.post(reverse("admin:tasks_task_changelist"), data).status_code == 403
    assert task.schedules.get().jitter == 0


def local(moment) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"


def span(first: float, last: float) -> dict[str, str]:
    """From so many days ago until so many days ago."""
    now = timezone.now()
    return {
        "start": local(now - timedelta(days=first)),
        "end": local(now - timedelta(days=last)),
    }


def backfill_url(task) -> str:
    return reverse("admin:tasks_task_backfill", args=[task.pk])


def test_runs_for_the_past_are_counted_and_then_started(client, olof, task):
    client.force_login(olof)
    form = client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
    assert backfill_url(task) in form
    assert "Show how many" in client.get(backfill_url(task)).content.decode()
    end = timezone.now().replace(second=0, microsecond=0)
    count = count_backfill(task_id="hourly", start=end - timedelta(days=2), end=end)
    asked = {"start": local(end - timedelta(days=2)), "end": local(end)}
    shown = client.post(backfill_url(task), asked).content.decode()
    assert f"{count} runs would start." in shown
    assert f"Start {count} runs" in shown
    assert not Run.objects.exists()
    client.post(backfill_url(task), {**asked, "_confirmed": "1"})
    assert Run.objects.filter(trigger="backfill", requested_by="olof").count() == count


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (span(1, 2), "comes before the start"),
        (span(2, -1), "is for the past"),
        ({"start": "", "end": "2026-01-01T00:00"}, "Fill this in."),
        ({"start": "soon", "end": "2026-01-01T00:00"}, "valid date"),
    ],
)
def test_a_wrong_time_of_the_past_is_refused_beside_its_field(client, olof, task, asked, words):
    client.force_login(olof)
    for confirmed in ({}, {"_confirmed": "1"}):
        assert words in client.post(backfill_url(task), asked | confirmed).content.decode()
    assert not Run.objects.exists()


def test_too_many_runs_for_the_past_are_only_counted(client, olof, task):
    client.force_login(olof)
    shown = client.post(backfill_url(task), span(60, 1)).content.decode()
    assert "Those are too many." in shown
    assert 'name="_confirmed"' not in shown
    refused = client.post(backfill_url(task), {**span(60, 1), "_confirmed": "1"})
    assert f"at most {LIMIT}" in refused.content.decode()
    assert not Run.objects.exists()


def test_runs_for_the_past_are_not_for_those_who_look(client, viktor, olof, task):
    client.force_login(viktor)
    assert client.post(backfill_url(task), {"_confirmed": "1"}).status_code == 403
    client.force_login(olof)
    gone = reverse("admin:tasks_task_backfill", args=[10**6])
    assert client.get(gone).status_code == 404

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.models import Alert, Run, SpiderInfo, Task
from tasks.services.tasks import create_task, update_task

MAJA = "maja@company.example"


@pytest.fixture
def task(db):
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())
    return create_task(task_id="shoes", name="Shoes", spider="shop")


@pytest.fixture
def editor(client, maja):
    client.force_login(maja)
    return client


def save(editor, task, **fields):
    given = {
        "name": task.name, "spider": "shop", "timeout": "60", "overlap_policy": "skip",
        "max_instances": "3", "catch_up": "latest", "schedules-TOTAL": "0",
        "version": str(Task.objects.get(pk=task.pk).version),
    }  # fmt: skip
    url = reverse("admin:tasks_task_change", args=[task.pk])
    answer = editor.post(url, {**given, **fields, "_save": "1"})
    task.refresh_from_db()
    return answer


def test_addresses_are_typed_as_people_paste_them(editor, task):
    save(editor, task, alert_to=f"{MAJA}; buyers@company.example,", alert_on=["failed", "missed"])
    assert task.alert_to == [MAJA, "buyers@company.example"]
    assert task.alert_on == ["failed", "missed"]
    page = editor.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
    assert f'value="{MAJA}, buyers@company.example"' in page
    assert 'value="missed" checked' in page
    assert 'value="suspicious" checked' not in page


def test_without_an_address_the_ticked_boxes_mean_nothing(editor, task):
    save(editor, task, alert_to="", alert_on=["failed", "suspicious"])
    assert (task.alert_to, task.alert_on) == ([], [])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"alert_to": "maja", "alert_on": ["failed"]}, "“maja” is no e-mail address."),
        ({"alert_to": MAJA}, "Choose what to send an alert for"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(editor, task, fields, words):
    page = save(editor, task, **fields).content.decode()
    assert words in page
    assert task.alert_to == []


def test_the_form_says_where_no_mail_is_set_up(editor, task, settings):
    url = reverse("admin:tasks_task_change", args=[task.pk])
    assert "set up e-mail yet" not in editor.get(url).content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "set up e-mail yet" in editor.get(url).content.decode()


def test_changes_name_the_kinds_in_words(editor, task):
    update_task(task_id="shoes", alert_to=[MAJA], alert_on=["missed"])
    page = editor.get(reverse("admin:tasks_task_history", args=[task.pk])).content.decode()
    assert MAJA in page
    assert "was missed" in page


def an_alert(task, **fields):
    now = timezone.now()
    run = Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, trigger="schedule",
        status="failed", reason="blocked", at=now,
    )  # fmt: skip
    return Alert.objects.create(
        **{
            "run": run, "task": task, "channel": "email", "recipient": MAJA, "kind": "failed",
            "created_at": now, "next_try_at": now + timedelta(minutes=10), **fields,
        }
    )  # fmt: skip


MARCH = datetime(2020, 3, 1, 12, tzinfo=UTC)
REFUSED = {"code": "mail_refused", "error": "550 no such user"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, f"An alert to {MAJA} is on its way."),
        ({"status": "sent", "sent_at": MARCH}, f"Alert sent to {MAJA}, Sun 1 Mar 2020"),
        ({"attempts": 1, "last_error": REFUSED}, "refused it: 550 no such user. Next try: "),
        ({"status": "gave_up", "last_error": REFUSED}, "is given up. The mail server refused it"),
    ],
)
def test_the_page_of_a_run_says_who_was_told_or_why_not(editor, task, fields, words):
    run = an_alert(task, **fields).run
    page = editor.get(reverse("admin:tasks_run_page", args=[run.pk])).content.decode()
    assert words in page


def test_home_tells_of_alerts_that_were_given_up_today(editor, task):
    def home():
        return editor.get(reverse("admin:index")).content.decode()

    alert = an_alert(task, last_error=REFUSED)
    assert "Somebody was not told" not in home()
    Alert.objects.update(status="gave_up")
    assert "1 alert of the last 24 hours could not be sent." in home()
    Alert.objects.filter(pk=alert.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert "Somebody was not told" not in home()

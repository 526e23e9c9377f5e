from __future__ import annotations

import json

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from tasks.api.metrics import exposition
from tasks.models import Task
from tasks.services.health import get_health
from tests.mailserver import MailServer

pytestmark = pytest.mark.django_db
MAJA = "maja@company.example"


@pytest.fixture
def told():
    return Task.objects.create(
        task_id="shoes", name="Shoes", spider="shop", alert_to=[MAJA], alert_on=["failed"]
    )


def test_show_says_who_is_told_of_what(told, capsys):
    call_command("tasks", "show", "shoes")
    assert f"failed: {MAJA}" in capsys.readouterr().out
    call_command("tasks", "show", "shoes", "--json")
    assert json.loads(capsys.readouterr().out)["alert_to"] == [MAJA]


def test_a_try_is_sent_at_once(told, capsys):
    call_command("tasks", "test-alert", "shoes")
    assert capsys.readouterr().out == f"{MAJA}: sent\n"
    assert [message.to for message in mail.outbox] == [[MAJA]]
    assert mail.outbox[0].subject == "Shoes: a try of its alerts"


def test_a_try_that_fails_says_why(told, capsys, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        server.refusals = {"RCPT": "550 no such user"}
        with pytest.raises(CommandError):
            call_command("tasks", "test-alert", "shoes", "--json")
    problem = "The mail server refused it: 550 no such user."
    assert json.loads(capsys.readouterr().out) == [{"recipient": MAJA, "problem": problem}]


def test_a_task_that_tells_nobody_has_nothing_to_try(told):
    Task.objects.update(alert_to=[])
    with pytest.raises(CommandError, match="sends alerts to nobody"):
        call_command("tasks", "test-alert", "shoes")


def test_monitors_see_the_outbox(told):
    assert get_health()["checks"]["alerts"] == {"ok": True, "pending": 0, "sent": 0, "gave_up": 0}
    assert b'spider_scheduler_alerts{status="gave_up"} 0.0' in exposition()

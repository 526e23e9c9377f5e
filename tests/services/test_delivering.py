from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tasks.channels import email
from tasks.models import Alert, Profile, Task
from tasks.services import delivering, update_task
from tasks.services.delivering import TRIES, claim, deliver_due
from tests.mailserver import MailServer

from .test_alerts import BUYERS, MAJA, a_run, end

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def failed(shop: Task):
    """A run that failed, of which two people are to be told."""
    update_task(task_id="shop", alert_to=[MAJA, BUYERS], alert_on=["failed", "recovered"])
    shop.refresh_from_db()
    run = a_run(shop)
    end(run, "failed", "blocked")
    return run


def shown() -> list[tuple[str, int, str]]:
    rows = Alert.objects.order_by("pk").values_list("status", "attempts", "last_error")
    return [(status, tries, said.get("code", "")) for status, tries, said in rows]


def come_round() -> None:
    Alert.objects.filter(status="pending").update(next_try_at=timezone.now())


def test_each_recipient_gets_one_mail_of_their_own(server, failed):
    assert deliver_due() == 2
    assert deliver_due() == 0
    assert [message["To"] for message in server.messages] == [MAJA, BUYERS]
    assert shown() == [("sent", 1, ""), ("sent", 1, "")]
    assert Alert.objects.filter(sent_at__isnull=False).count() == 2
    assert server.connections == 1


def test_the_mail_says_what_happened_why_and_what_to_do(server, failed, settings):
    settings.SITE_URL = "https://spiders.company.example"
    deliver_due()
    message = server.messages[0]
    assert message["Subject"] == "Shop prices failed: The website refused the spider"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["References"] == "<task.shop@spiders.company.example>"
    text = message.get_body(["plain"]).get_content()
    html = message.get_body(["html"]).get_content()
    for words in ("Likely cause", "What to do next", "Items", "https://spiders.company.example"):
        assert words in text
        assert words in html
    assert f"/admin/tasks/run/{failed.pk}/" in text


def test_the_mail_comes_in_the_language_and_on_the_clock_of_its_reader(
    server, failed, settings, maja
):
    settings.ALERT_LANGUAGE = "de"
    maja.email = MAJA.title()
    maja.save()
    Profile.objects.update_or_create(user=maja, defaults={"timezone": "Asia/Tokyo"})
    deliver_due()
    mine, theirs = (each.get_body(["plain"]).get_content() for each in server.messages)
    assert "(Asia/Tokyo)" in mine
    assert "(UTC)" in theirs
    assert "Wahrscheinliche Ursache" in theirs


def test_what_comes_from_a_website_can_do_no_harm(server, failed):
    nasty = (
        "https://me:hunter2@a.example\r\nBcc: evil@evil.example\n\x1b[31m\u202e<script>x</script>"
    )
    failed.task_name = nasty[29:]
    failed.reason, failed.detail = "spider_error", {"message": nasty}
    failed.save()
    deliver_due()
    message = server.messages[0]
    assert "evil@evil.example" in message["Subject"]
    assert message["Bcc"] is None
    assert "\x1b" not in message.get_body(["plain"]).get_content()
    assert "\u202e" not in message.get_body(["html"]).get_content()
    assert "<script>" not in message.get_body(["html"]).get_content()
    assert "a.example" in message.get_body(["plain"]).get_content()
    assert "hunter2" not in message.get_body(["plain"]).get_content()


@pytest.mark.parametrize("verb", ["MAIL", "DATA", "EHLO"])
def test_a_server_in_trouble_is_tried_five_times_over_two_hours(server, failed, verb):
    server.refusals = {"HELO": "500 no", verb: "451 later"}
    waits = []
    for attempt in range(1, TRIES + 1):
        before = timezone.now()
        assert deliver_due() == 0
        alert = Alert.objects.first()
        assert alert.attempts == attempt
        waits.append(alert.next_try_at - before)
        come_round()
    assert shown() == [("gave_up", TRIES, "mail_refused")] * 2
    assert timedelta(hours=2) < sum(waits[:-1], timedelta()) < timedelta(hours=2, minutes=5)
    assert deliver_due() == 0


def test_it_arrives_when_the_server_is_back(server, failed):
    server.refusals = {"MAIL": "421 too busy"}
    deliver_due()
    assert shown() == [("pending", 1, "mail_refused")] * 2
    server.refusals = {}
    come_round()
    assert deliver_due() == 2
    assert shown() == [("sent", 2, "")] * 2


def test_a_later_try_is_the_same_message(server, failed):
    deliver_due()
    Alert.objects.update(status="pending", sent_at=None)
    come_round()
    deliver_due()
    ids = [message["Message-ID"] for message in server.messages]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


def test_an_address_that_does_not_exist_is_given_up_at_once(server, failed):
    server.refusals = {"RCPT": "550 no such user"}
    deliver_due()
    assert shown() == [("gave_up", 1, "mail_refused")] * 2
    assert "550 no such user" in Alert.objects.first().last_error["error"]


def test_a_recipient_that_is_put_off_is_tried_again(server, failed):
    server.refusals = {"RCPT": "450 greylisted"}
    deliver_due()
    assert shown() == [("pending", 1, "mail_refused")] * 2


def test_one_time_out_stands_for_all_that_wait(server, failed, monkeypatch):
    monkeypatch.setattr(email, "TIMEOUT", 0.2)
    server.hangs = True
    deliver_due()
    assert shown() == [("pending", 1, "mail_silent")] * 2
    assert server.connections == 1


def test_a_server_that_is_away_is_said(failed, settings, free_port):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port
    deliver_due()
    assert shown() == [("pending", 1, "mail_unreachable")] * 2


def test_an_alert_that_cannot_be_written_keeps_no_other_back(server, failed, monkeypatch):
    compose = delivering.notice_of
    monkeypatch.setattr(
        delivering, "notice_of",
        lambda alert: 1 / 0 if alert.recipient == MAJA else compose(alert),
    )  # fmt: skip
    assert deliver_due() == 1
    assert shown() == [("pending", 1, "alert_broken"), ("sent", 1, "")]


def test_only_one_of_two_claims_it(failed):
    mine, theirs = Alert.objects.first(), Alert.objects.first()
    assert claim(mine)
    assert not claim(theirs)


def test_who_died_in_the_middle_leaves_it_to_a_later_try_and_not_for_ever(server, failed):
    Alert.objects.exclude(recipient=MAJA).delete()
    for _ in range(TRIES):
        assert claim(Alert.objects.get())
        assert deliver_due() == 0
        come_round()
    deliver_due()
    assert shown() == [("gave_up", TRIES, "alert_interrupted")]
    assert server.messages == []


def test_who_stops_sends_no_more(server, failed):
    assert deliver_due(may_go_on=lambda: False) == 0
    assert shown() == [("pending", 0, "")] * 2


@pytest.mark.django_db(transaction=True)
def test_two_that_send_at_once_send_each_mail_once(server, failed):
    gate = threading.Barrier(2)

    def send():
        gate.wait()
        deliver_due()
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message["To"] for message in server.messages) == [BUYERS, MAJA]
    assert shown() == [("sent", 1, "")] * 2

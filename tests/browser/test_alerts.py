"""From an address in the form to the mail in the box."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tasks.models import Alert
from tests.mailserver import MailServer
from tests.waiting import wait_until

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def mailbox(served):
    with MailServer() as server:
        served.env["EMAIL_URL"] = f"smtp://127.0.0.1:{server.port}"
        yield server


def test_an_editor_is_told_by_mail_when_a_run_fails(mailbox, house):
    page = house.open("/admin/tasks/task/add/?spider=vivbliss")
    page.get_by_label("Task name").fill("Shoe prices")
    page.locator("[name=arg_start_urls]").fill(f"{house.url}/demo/no-such-page/")
    addresses = page.get_by_label("Send alerts to")
    expect(page.get_by_role("checkbox", name="fails or takes too long")).to_be_checked()
    addresses.fill("maja")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(addresses).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("“maja” is no e-mail address.")).to_be_visible()
    addresses.fill("maja@example.org, buyers@company.example")
    page.get_by_role("button", name=re.compile("run now", re.IGNORECASE)).click()
    page.wait_for_url("**/admin/tasks/run/**")
    wait_until(lambda: len(mailbox.messages) == 2, timeout=60)
    # The page of a run that has ended stays as it is: it is opened when both are known to be sent.
    wait_until(lambda: Alert.objects.filter(status="sent").count() == 2)
    mail = mailbox.messages[0]
    assert mail["Subject"] == "Shoe prices failed: The page is gone"
    run = re.search(r"http\S+/run/\S+/", mail.get_body(["plain"]).get_content())
    page.goto(run.group())
    expect(page.locator("h1")).to_contain_text("Failed")
    expect(page.get_by_text("Alert sent to buyers@company.example")).to_be_visible()
    assert page.complaints == []

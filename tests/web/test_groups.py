"""Each group goes wherever a link leads and presses whatever a page offers: nothing refuses it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from lxml.html import HtmlElement, fromstring

from tasks.models import Blackout, Run, SpiderInfo, Task
from tasks.services.tasks import create_task

REASONS = {"failed": "timeout", "suspicious": "few_items", "missed": "scheduler_down"}
NAMES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


@pytest.fixture
def filled(people):
    now = timezone.now()
    SpiderInfo.objects.create(name="shop", title="Shop", schema={}, seen_at=now)
    task = create_task(
        task_id="shoes", name="Shoes", spider="shop", tags=["prices"],
        schedules=[{"kind": "cron", "cron": "0 9 * * *", "timezone": "UTC"}],
    )  # fmt: skip
    for place, status in enumerate(["succeeded", "suspicious", "failed", "missed", "running"]):
        at = now - timedelta(hours=5 - place)
        Run.objects.create(
            task=task, task_key=task.task_id, task_name=task.name, spider="shop", status=status,
            reason=REASONS.get(status, ""), at=at, trigger="schedule", started_at=at, items=3,
            finished_at=None if status == "running" else at + timedelta(minutes=1),
        )  # fmt: skip
    Blackout.objects.create(name="Nights", weekdays=["mon"], start_time="22:00", end_time="23:00")
    return people


class Walker:
    def __init__(self, client):
        self.client = client
        self.seen: set[str] = set()
        self.pressed: set[str] = set()
        self.ahead = [reverse("admin:index")]

    def walk(self):
        while self.ahead:
            address = self.ahead.pop()
            answer = self.client.get(address)
            assert answer.status_code in {200, 302}, f"{address}: {answer.status_code}"
            if "text/html" in answer.get("Content-Type", "") and not answer.streaming:
                self.look(address, fromstring(answer.content))

    def look(self, address: str, page: HtmlElement):
        page.make_links_absolute(f"http://testserver{address}")
        for link in page.cssselect("a[href]"):
            self.follow(link.get("href").removeprefix("http://testserver").partition("#")[0])
        for form in page.cssselect("form[method=post]"):
            buttons = form.cssselect("button, input[type=submit]")
            for button in [each for each in buttons if is_on(each)] if buttons else [form]:
                self.press(address, form, button)

    def follow(self, address: str):
        path, _, query = address.partition("?")
        kind = NAMES.sub("N", path) + "?" + ",".join(sorted(re.findall(r"(\w+)=", query)))
        if path.startswith("/admin/") and kind not in self.seen:
            self.seen.add(kind)
            self.ahead.append(address)

    def press(self, address: str, form: HtmlElement, button: HtmlElement):
        action = (button.get("formaction") or form.get("action") or address).removeprefix(
            "http://testserver"
        )
        kind = f"{NAMES.sub('N', action)} {button.get('name')}={button.get('value')}"
        if kind in self.pressed or "logout" in action:
            return
        self.pressed.add(kind)
        data = dict(form.form_values())
        if button.get("name"):
            data[button.get("name")] = button.get("value") or ""
        with transaction.atomic():
            answer = self.client.post(action, data)
            transaction.set_rollback(True)
        assert answer.status_code in {200, 302}, f"{kind} on {address}: {answer.status_code}"


def is_on(button: HtmlElement) -> bool:
    return not any(
        "disabled" in each.attrib for each in [button, *button.iterancestors("fieldset")]
    )


@pytest.mark.parametrize("name", ["viktor", "olof", "maja", "anna"])
def test_no_page_offers_what_it_then_refuses(client, filled, name):
    client.force_login(getattr(filled, name))
    walker = Walker(client)
    walker.walk()
    assert len(walker.seen) > 15
    changing = {kind for kind in walker.pressed if "/me/" not in kind and "password" not in kind}
    assert bool(changing) == (name != "viktor")
    assert Task.objects.filter(enabled=True).count() == 1

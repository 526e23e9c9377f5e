from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tasks.models import ApiToken, DataLink, SpiderInfo, Task
from tests.people import People

pytestmark = pytest.mark.django_db
TOKENS = "/admin/me/tokens/"


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def task(db: None) -> Task:
    SpiderInfo.objects.create(name="shop", seen_at=timezone.now())
    return Task.objects.create(task_id="shop", name="Shop prices", spider="shop")


def secrets_on(answer: Any) -> list[str]:
    return re.findall(r"<code>([^<]+)</code>", answer.content.decode())


def test_a_token_is_shown_once_and_then_works(viktor: User) -> None:
    browser = browser_of(viktor)
    made = browser.post(TOKENS, {"name": "Sheet", "read": "on", "lasts": "30"})
    [secret] = secrets_on(made)
    assert "no-store" in made["Cache-Control"]
    again = browser.get(TOKENS)
    assert secret not in again.content.decode()
    assert "Sheet" in again.content.decode()
    headers = {"Authorization": f"Bearer {secret}"}
    assert Client(headers=headers).get("/api/v1/tasks").status_code == 200
    token = ApiToken.objects.get()
    assert (token.scopes, (token.expires_at - timezone.now()).days) == (["read"], 29)


def test_a_revoked_token_works_no_more(viktor: User) -> None:
    browser = browser_of(viktor)
    [secret] = secrets_on(browser.post(TOKENS, {"name": "Sheet", "read": "on"}))
    revoke = reverse("admin:token_revoke", args=[ApiToken.objects.get().pk])
    assert browser.get(revoke).status_code == 405
    browser.post(revoke)
    headers = {"Authorization": f"Bearer {secret}"}
    assert Client(headers=headers).get("/api/v1/tasks").status_code == 401
    assert "Sheet" not in browser.get(TOKENS).content.decode()


@pytest.mark.parametrize("data", [{"read": "on"}, {"name": "x"}, {"name": " ", "read": "on"}])
def test_a_wrong_token_is_not_made(viktor: User, data: dict[str, str]) -> None:
    answer = browser_of(viktor).post(TOKENS, data)
    assert "Mend the marked fields" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_nobody_sees_or_revokes_the_tokens_of_others(people: People) -> None:
    browser_of(people.maja).post(TOKENS, {"name": "Mine", "read": "on"})
    other = browser_of(people.viktor)
    assert "Mine" not in other.get(TOKENS).content.decode()
    other.post(reverse("admin:token_revoke", args=[ApiToken.objects.get().pk]))
    assert ApiToken.objects.get().revoked_at is None


def test_an_address_of_the_latest_items_is_made_and_revoked(maja: User, task: Task) -> None:
    browser = browser_of(maja)
    page = reverse("admin:task_data_links", args=[task.pk])
    urls = secrets_on(browser.post(page, {"name": "Purchasing"}))
    assert [url.rpartition(".")[2] for url in urls] == ["csv", "xlsx", "json"]
    assert "Purchasing" in browser.get(page).content.decode()
    browser.post(reverse("admin:data_link_revoke", args=[DataLink.objects.get().pk]))
    assert DataLink.objects.get().revoked_at is not None
    assert page in browser.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()


def test_who_may_not_change_a_task_makes_no_address(people: People, task: Task) -> None:
    page = reverse("admin:task_data_links", args=[task.pk])
    for person in (people.viktor, people.olof):
        assert browser_of(person).post(page, {"name": "x"}).status_code == 403
    assert not DataLink.objects.exists()

"""What stands where a page can't be shown: plain words, a way back, and no database."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.people import PASSWORD

NOBODY = UUID(int=7)
PAGES = [
    ("bad", 400, "This request can't be read", "Diese Anfrage ist nicht lesbar"),
    ("forbidden", 403, "This is not open to you", "Das steht Ihnen nicht offen"),
    ("gone", 404, "There is nothing at this address", "Unter dieser Adresse gibt es nichts"),
    ("broken", 500, "Something went wrong here", "Hier ist etwas schiefgegangen"),
    ("no-database", 503, "The database does not answer", "Die Datenbank antwortet nicht"),
]


@pytest.mark.urls("tests.web.trouble_urls")
@pytest.mark.parametrize(("kind", "status", "english", "german"), PAGES)
def test_trouble_is_told_in_plain_words_without_the_database(kind, status, english, german):
    """No fixture allows this test a database: the page would fail on it."""
    client = Client(raise_request_exception=False)
    for language, words in [("en", english), ("de", german)]:
        response = client.get(f"/fails/{kind}/", headers={"accept-language": language})
        text = response.content.decode().replace("&#x27;", "'")
        assert response.status_code == status
        assert f"<h1>{words}</h1>" in text
        assert f'<html lang="{language}"' in text
        assert f'href="{reverse("admin:index")}"' in text
        assert "secret detail" not in text
        assert "script-src 'self'" in response["Content-Security-Policy"]


def test_a_form_that_is_out_of_date_changes_nothing_and_says_so(maja):
    client = Client(enforce_csrf_checks=True)
    client.force_login(maja)
    response = client.post(reverse("admin:me"), {"language": "de"})
    text = response.content.decode()
    assert response.status_code == 403
    assert "This page was open for too long" in text
    assert "Your browser must keep cookies" in text
    maja.refresh_from_db()
    assert not hasattr(maja, "profile") or maja.profile.language != "de"


def test_who_may_not_is_offered_another_login_that_leads_there(client, viktor, anna):
    client.force_login(viktor)
    page = reverse("admin:auth_user_changelist")
    response = client.get(page)
    assert response.status_code == 403
    login = f"{reverse('admin:login')}?next=%2Fadmin%2Fauth%2Fuser%2F&as=1"
    assert f'href="{login.replace("&", "&amp;")}"' in response.content.decode()
    shown = client.get(login)
    assert "You are logged in as viktor" in shown.content.decode()
    given = {"username": "anna", "password": PASSWORD, "next": page}
    assert client.post(login, given)["Location"] == page
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_login_leads_to_no_other_site_but_home(client, anna, page):
    given = {"username": "anna", "password": PASSWORD, "next": page}
    assert client.post(reverse("admin:login"), given)["Location"] == reverse("admin:index")


@pytest.mark.parametrize(
    "address",
    [
        "tasks/run/?q=%00", "tasks/run/?task=%00", "tasks/run/?person=%00", "tasks/task/?tag=%00",
        "tasks/task/?q=a%00b", "tasks/task/?spider=%00", "arguments/?spider=%00",
    ],
)  # fmt: skip
def test_an_address_with_a_nul_is_a_wrong_address(client, anna, address):
    client.force_login(anna)
    assert client.get(f"/admin/{address}").status_code == 400


@pytest.mark.parametrize("digits", ["9" * 30, "9" * 5000, "²", "٣"])
def test_a_number_that_is_none_picks_nothing(client, anna, digits):
    client.force_login(anna)
    page = reverse("admin:tasks_task_changelist")
    for data in ({"action": "on", "selected": digits}, {"switch": f"{digits}:1"}):
        assert client.post(page, data)["Location"] == page
    assert (
        client.post(reverse("admin:tasks_task_add"), {"schedules-TOTAL": digits}).status_code == 200
    )


def test_who_is_in_no_group_sees_nothing_of_the_tasks(client, db):
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for address in (reverse("admin:index"), reverse("admin:tasks_live")):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "tasks/run/no-such-run/", "tasks/run/no-such-run/page/change/", f"tasks/run/{NOBODY}/",
        f"tasks/run/{NOBODY}/log/", "tasks/task/none/change/", "tasks/task/999999/change/",
        "tasks/task/999999/history/", "tasks/task/999999/backfill/", "tasks/task/999999/data/",
        "tasks/task/none/delete/", "auth/user/none/change/", "tasks/hold/none/change/",
        "tasks/blackout/none/change/", "tasks/auditentry/none/change/", "nowhere/", "r/1/none/",
    ],
)  # fmt: skip
def test_a_mistyped_address_is_no_mistake_of_ours(client, anna, path):
    client.force_login(anna)
    response = client.get(f"/admin/{path}", follow=True)
    assert response.status_code in {200, 403, 404}
    if response.status_code == 200:
        assert "doesn’t exist" in response.content.decode()
    elif response.status_code == 404:
        assert "There is nothing at this address" in response.content.decode()


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/nosuch"])
def test_a_program_that_asks_under_a_foreign_name_is_told_so_in_its_own_shape(path):
    response = Client(raise_request_exception=False).get(path, headers={"host": "evil.example"})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert "Host header" in response.json()["detail"]


@pytest.mark.urls("tests.web.trouble_urls")
@pytest.mark.parametrize(("kind", "status"), [("bad", 400), ("broken", 500), ("no-database", 503)])
def test_trouble_under_the_api_is_told_in_its_shape(kind, status):
    response = Client(raise_request_exception=False).get(f"/api/fails/{kind}/")
    assert response.status_code == response.json()["status"] == status
    assert "secret detail" not in response.content.decode()
    assert ("Retry-After" in response) == (status == 503)


@pytest.mark.parametrize(
    ("came_from", "back"),
    [("http://testserver/admin/tasks/run/?q=a", "/admin/tasks/run/?q=a"),
     ("https://elsewhere.example/admin/", "/admin/"), ("", "/admin/")],
)  # fmt: skip
def test_a_button_pressed_after_the_session_has_ended_leads_back_to_its_page(
    client, maja, came_from, back
):
    again = reverse("admin:tasks_run_again", args=[NOBODY])
    login = client.post(again, headers={"referer": came_from}, follow=True)
    assert "You had been logged out, so nothing was saved or started" in login.content.decode()
    answer = client.post(
        login.request["PATH_INFO"],
        {"username": "maja", "password": PASSWORD, "next": login.context["next"]},
    )
    assert answer["Location"] == back


def test_who_logs_out_twice_is_not_told_of_anything_lost(client, db):
    page = client.post(reverse("admin:logout"), follow=True).content.decode()
    assert "You had been logged out" not in page

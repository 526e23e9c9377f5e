from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from tasks.models import Blackout, Hold, Profile, SpiderInfo
from tasks.services.people import role_of
from tasks.services.tasks import create_task
from tests.people import PASSWORD

NEW = {"username": "nora", "first_name": "Nora", "last_name": "Vik", "email": "",
       "role": "Operator", "password": PASSWORD, "is_active": "on"}  # fmt: skip


def test_an_administrator_makes_a_person_who_can_log_in(client, anna):
    client.force_login(anna)
    client.post(reverse("admin:auth_user_add"), NEW)
    nora = User.objects.get(username="nora")
    assert (role_of(nora), nora.is_staff) == ("Operator", True)
    client.logout()
    client.post(reverse("admin:login"), {"username": "nora", "password": PASSWORD})
    assert "Nora Vik" in client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "12345678"}, "entirely numeric"),
        ({"username": "anna"}, "already exists"),
        ({"role": "King"}, "Select a valid choice"),
        ({"password": ""}, "required"),
    ],
)
def test_what_is_wrong_with_a_person_is_said_beside_the_field(client, anna, changes, words):
    client.force_login(anna)
    page = client.post(reverse("admin:auth_user_add"), {**NEW, **changes}).content.decode()
    assert words in page
    assert not User.objects.filter(username="nora").exists()


def test_an_empty_password_keeps_the_one_there_is(client, anna, olof):
    client.force_login(anna)
    data = {**NEW, "username": "olof", "role": "Editor", "password": ""}
    client.post(reverse("admin:auth_user_change", args=[olof.pk]), data)
    olof = User.objects.get(pk=olof.pk)
    assert role_of(olof) == "Editor"
    assert olof.check_password(PASSWORD)


def test_on_a_phone_each_figure_of_a_person_has_its_name(client, anna):
    client.force_login(anna)
    page = client.get(reverse("admin:auth_user_changelist")).content.decode()
    assert '<td data-label="May log in">Yes</td>' in page


def test_nobody_else_manages_people(client, maja, olof):
    client.force_login(maja)
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert client.post(reverse("admin:auth_user_add"), NEW).status_code == 403
    address = reverse("admin:auth_user_change", args=[maja.pk])
    assert (
        client.post(address, {**NEW, "username": "maja", "role": "Administrator"}).status_code
        == 403
    )
    assert client.post(reverse("admin:person_delete", args=[olof.pk])).status_code == 403
    assert role_of(User.objects.get(pk=maja.pk)) == "Editor"


def test_a_person_is_deleted_by_a_button(client, anna, olof):
    client.force_login(anna)
    address = reverse("admin:person_delete", args=[olof.pk])
    assert client.get(address).status_code == 405
    client.post(address)
    assert not User.objects.filter(pk=olof.pk).exists()


def test_people_read_times_in_their_own_zone(client, maja):
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())
    create_task(task_id="a", name="A", spider="shop", schedules=[
        {"kind": "cron", "cron": "0 3 * * *", "timezone": "Europe/Stockholm"}])  # fmt: skip
    client.force_login(maja)
    client.post(reverse("admin:me"), {"timezone": "Asia/Tokyo", "language": "en"})
    assert Profile.objects.get(user=maja).timezone == "Asia/Tokyo"
    page = client.get(reverse("admin:tasks_task_changelist")).content.decode()
    assert "03:00 Stockholm time" in page
    assert "Tokyo time" in client.get(reverse("admin:index")).content.decode()


def test_everything_is_held_and_let_go_again(client, anna, olof):
    client.force_login(anna)
    address = reverse("admin:tasks_hold_changelist")
    assert "Say why" in client.post(address, {"note": ""}).content.decode()
    client.post(address, {"note": "Moving servers"})
    assert "Moving servers" in client.get(reverse("admin:index")).content.decode()
    assert "End the hold" in client.get(address).content.decode()
    home = client.get(reverse("admin:index")).content.decode()
    assert "until somebody ends it" in home
    ends = timezone.now() + timedelta(hours=1)
    Hold.objects.update(ends_at=ends)
    assert f" {ends:%H:%M}</p>" in client.get(reverse("admin:index")).content.decode()
    client.post(reverse("admin:hold_release"))
    assert Hold.objects.get().released_by == "anna"
    client.force_login(olof)
    assert client.get(address).status_code == 403
    assert client.post(reverse("admin:hold_release")).status_code == 403


def test_a_blackout_is_made_changed_and_deleted(client, anna, viktor):
    client.force_login(anna)
    nights = {"name": "Nights", "weekdays": ["mon", "tue"], "start_time": "22:00",
              "end_time": "05:00", "timezone": "Europe/Stockholm", "enabled": "on"}  # fmt: skip
    client.post(reverse("admin:tasks_blackout_add"), nights)
    blackout = Blackout.objects.get()
    page = client.get(reverse("admin:tasks_blackout_changelist")).content.decode()
    assert "Mon, Tue 22:00 – 05:00, Stockholm time" in page
    change = reverse("admin:tasks_blackout_change", args=[blackout.pk])
    bad = client.post(change, {**nights, "weekdays": []}).content.decode()
    assert "No day is chosen." in bad
    empty = client.post(change, {"name": "N", "timezone": "UTC"}).content.decode()
    assert "Say when: fill in" in empty
    assert "blackout_once_or_weekly" not in empty
    once = {"name": "Inventory", "starts_at": "2030-01-01T08:00", "ends_at": "2030-01-02T08:00",
            "timezone": "Europe/Stockholm", "enabled": "on"}  # fmt: skip
    client.post(change, once)
    blackout.refresh_from_db()
    assert blackout.starts_at.hour == 7
    assert "2030-01-01T08:00" in client.get(change).content.decode()
    client.force_login(viktor)
    assert client.post(change, once).status_code == 403
    client.force_login(anna)
    client.post(reverse("admin:blackout_delete", args=[blackout.pk]))
    assert not Blackout.objects.exists()


def test_the_record_of_changes_is_for_editors_and_administrators(client, anna, olof):
    client.force_login(anna)
    client.post(reverse("admin:tasks_hold_changelist"), {"note": "Moving"})
    page = client.get(reverse("admin:tasks_auditentry_changelist")).content.decode()
    assert "put everything on hold" in page
    client.force_login(olof)
    assert client.get(reverse("admin:tasks_auditentry_changelist")).status_code == 403


def test_a_wrong_password_is_answered_in_plain_words(client, maja):
    page = client.post(
        reverse("admin:login"), {"username": "maja", "password": "wrong"}
    ).content.decode()
    assert "The user name or password is not right. Check both and try again." in page


def fail_to_log_in(client, times):
    return [
        client.post("/admin/login/", {"username": "olof", "password": "wrong"})
        for _try in range(times)
    ][-1]


def test_who_guesses_is_locked_out_in_plain_words_until_a_new_password_is_set(client, anna, olof):
    answer = fail_to_log_in(client, 20)
    assert answer.status_code == 429
    page = answer.content.decode()
    for words in ("Too many wrong passwords", "Wait 1 h", "Tell your administrator"):
        assert words in page
    right = {"username": "olof", "password": PASSWORD}
    assert client.post("/admin/login/", right).status_code == 429
    client.force_login(anna)
    new = "another horse battery"
    fields = {"username": "olof", "role": "Operator", "is_active": "on", "password": new}
    client.post(reverse("admin:auth_user_change", args=[olof.pk]), fields)
    client.logout()
    answer = client.post("/admin/login/", {"username": "olof", "password": new})
    assert answer.status_code == 302


def test_a_new_password_is_set_in_our_own_page_and_keeps_the_login(client, maja):
    client.force_login(maja)
    page = reverse("admin:password_change")
    typed = {"old_password": "wrong", "new_password1": "12345678", "new_password2": "12345678"}
    refused = client.post(page, typed).content.decode()
    assert "Mend the marked fields" in refused
    assert 'id="id_old_password_error"' in refused
    assert 'id="id_new_password2_error"' in refused
    new = "quiet river 7"
    good = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    told = client.post(page, good, follow=True).content.decode()
    assert "Your password is changed." in told
    assert client.get(page).status_code == 200
    maja.refresh_from_db()
    assert maja.check_password(new)

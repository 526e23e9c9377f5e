from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User

from tasks.services.actors import person
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.people import remove_person, role_of, save_person, save_profile

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def somebody(name: str, role: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def boss():
    return person(somebody("boss", "Administrator"), "admin")


def test_an_administrator_adds_a_colleague(boss):
    user = save_person(actor=boss, username="nils", role="Editor", password=PASSWORD)
    assert role_of(user) == "Editor"
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Editor"])
def test_others_cannot_change_people(role):
    actor = person(somebody("x", role), "admin")
    with pytest.raises(Forbidden):
        save_person(actor=actor, username="nils", role="Viewer")
    with pytest.raises(Forbidden):
        save_person(actor=actor, user_id=actor.user.pk, role="Administrator")


def test_nobody_changes_their_own_rights_or_shuts_themselves_out(boss):
    with pytest.raises(Forbidden):
        save_person(actor=boss, user_id=boss.user.pk, role="Viewer")
    with pytest.raises(Forbidden):
        save_person(actor=boss, user_id=boss.user.pk, is_active=False)
    with pytest.raises(Forbidden):
        remove_person(actor=boss, user_id=boss.user.pk)


def test_an_administrator_does_not_reach_the_superuser(boss):
    root = User.objects.create_superuser("root")
    with pytest.raises(Forbidden):
        save_person(actor=boss, user_id=root.pk, password=PASSWORD)
    with pytest.raises(Forbidden):
        remove_person(actor=boss, user_id=root.pk)


def test_a_main_administrator_who_becomes_a_viewer_may_no_more_than_look(db):
    root = person(User.objects.create_superuser("root"), "admin")
    other = User.objects.create_superuser("other")
    save_person(actor=root, user_id=other.pk, role="Administrator")
    assert User.objects.get(pk=other.pk).is_superuser
    save_person(actor=root, user_id=other.pk, role="Viewer")
    other = User.objects.get(pk=other.pk)
    assert (role_of(other), other.has_perm("tasks.delete_task")) == ("Viewer", False)


@pytest.mark.parametrize("is_active", [True, False])
def test_nobody_gives_or_takes_over_rights_that_they_lack(is_active):
    clerk = somebody("clerk", "Editor")
    names = ["add_user", "change_user", "delete_user"]
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=names))
    actor, boss = person(clerk, "admin"), somebody("boss", "Administrator")
    boss.is_active = is_active
    boss.save()
    with pytest.raises(Forbidden) as refusal:
        save_person(actor=actor, username="straw", role="Administrator", password=PASSWORD)
    assert "role" in refusal.value.errors
    for change in ({"password": PASSWORD}, {"is_active": True}, {"role": "Viewer"}):
        with pytest.raises(Forbidden):
            save_person(actor=actor, user_id=boss.pk, **change)
    with pytest.raises(Forbidden):
        remove_person(actor=actor, user_id=boss.pk)
    assert role_of(save_person(actor=actor, username="nils", role="Editor")) == "Editor"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "no spaces!"}, "username"),
        ({"username": "nils", "role": "King"}, "role"),
        ({"username": "nils", "password": "123"}, "password"),
        ({"username": "nils", "is_superuser": True}, "is_superuser"),
        ({"username": "boss"}, "username"),
        ({"username": "nils", "email": "not an address"}, "email"),
    ],
)
def test_wrong_input_names_its_field(boss, fields, field):
    with pytest.raises(InvalidInput) as refusal:
        save_person(actor=boss, **{"role": "Viewer", **fields})
    assert field in refusal.value.errors
    assert User.objects.count() == 1


def test_a_wrong_time_zone_is_refused(boss):
    with pytest.raises(InvalidInput):
        save_profile(user=boss.user, timezone="Moon/Base")
    save_profile(user=boss.user, timezone="Europe/Stockholm")
    assert boss.user.profile.timezone == "Europe/Stockholm"

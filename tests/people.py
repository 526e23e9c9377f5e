from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import patch

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class People:
    maja: User  # edits tasks
    viktor: User  # looks
    olof: User  # starts and stops
    anna: User  # administers


def ensure_groups() -> None:
    """A transactional test before this one has emptied the tables, the groups with them."""
    if Group.objects.exists():
        return
    groups = importlib.import_module("tasks.migrations.0002_groups")
    people = importlib.import_module("tasks.migrations.0003_administrators_manage_people")
    # A real schema editor can't be had inside of a test's transaction on SQLite.
    editor = SimpleNamespace(connection=connection)
    with patch.object(apps.get_app_config("tasks"), "models_module"):
        groups.make_groups(apps, editor)
        people.allow_people(apps, editor)


def person(name: str, surname: str, group: str) -> User:
    user = User.objects.create_user(
        name.lower(),
        f"{name.lower()}@example.org",
        PASSWORD,
        first_name=name,
        last_name=surname,
        is_staff=True,
    )
    user.groups.add(Group.objects.get(name=group))
    return user


def create_people() -> People:
    ensure_groups()
    anna = person("Anna", "Berg", "Administrator")
    anna.is_superuser = True
    anna.save(update_fields=["is_superuser"])
    return People(
        maja=person("Maja", "Lind", "Editor"),
        viktor=person("Viktor", "Ek", "Viewer"),
        olof=person("Olof", "Dahl", "Operator"),
        anna=anna,
    )

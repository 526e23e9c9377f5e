from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import get_finder
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from tasks.execution import catalogue
from tasks.management.commands import setup_site
from tasks.models import SpiderInfo
from tests.people import ensure_groups

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_site(settings, tmp_path, monkeypatch):
    """One static file, no spiders, no demo: each test adds what it is about."""
    ensure_groups()
    source = tmp_path / "source"
    source.mkdir()
    (source / "look.css").write_text("body {}")
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.DEMO = False
    monkeypatch.setattr(setup_site, "refresh_catalogue", list)
    get_finder.cache_clear()
    yield source
    get_finder.cache_clear()


def set_up() -> str:
    output = StringIO()
    call_command("setup_site", stdout=output, stderr=output)
    return output.getvalue()


def log_in(name: str, password: str) -> User | None:
    return authenticate(RequestFactory().post("/"), username=name, password=password)


def test_the_first_administrator_can_log_in_with_the_printed_password():
    output = set_up()
    found = re.search(r"Name:\s+(\S+)\n\s+Password:\s+(\S+)", output)
    assert found[1] == "admin"
    user = log_in(found[1], found[2])
    assert user.is_superuser
    assert [group.name for group in user.groups.all()] == ["Administrator"]


def test_the_password_is_printed_once():
    password = re.search(r"Password:\s+(\S+)", set_up())[1]
    again = set_up()
    assert password not in again
    assert "admin" in again
    assert User.objects.count() == 1


def test_name_and_password_may_be_given(settings):
    settings.ADMIN_USERNAME, settings.ADMIN_PASSWORD = "sigrid", "kept for me 19"
    assert "kept for me 19" not in set_up()
    assert log_in("sigrid", "kept for me 19").is_superuser


def test_somebody_elses_account_is_not_raised_to_administrator():
    User.objects.create_user("admin", password="mine")
    with pytest.raises(CommandError, match="ADMIN_USERNAME"):
        set_up()
    assert not User.objects.get().is_superuser


def test_the_address_is_told(settings):
    settings.SITE_URL = "https://spiders.example.org"
    assert "https://spiders.example.org/" in set_up()


def test_static_files_are_collected_again_only_after_a_change(settings, small_site):
    set_up()
    collected = Path(settings.STATIC_ROOT) / "look.css"
    assert collected.read_text() == "body {}"
    collected.unlink()
    set_up()
    assert not collected.exists()
    (small_site / "look.css").write_text("body { margin: 0 }")
    set_up()
    assert collected.read_text() == "body { margin: 0 }"


def test_the_spiders_are_listed(monkeypatch):
    monkeypatch.setattr(setup_site, "refresh_catalogue", catalogue.refresh_catalogue)
    set_up()
    assert SpiderInfo.objects.filter(name="vivbliss").exists()


def test_spiders_that_cannot_be_listed_are_no_reason_not_to_start(monkeypatch):
    def broken():
        raise catalogue.CatalogueUnreadable("The spiders took over 60 s to load.")

    monkeypatch.setattr(setup_site, "refresh_catalogue", broken)
    output = set_up()
    assert "took over 60 s" in output
    assert "Password:" in output

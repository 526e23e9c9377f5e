from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from tasks.execution.catalogue import CatalogueUnreadable, refresh_catalogue
from tasks.management.translations import compile_all
from tasks.services import demo

WELCOME = """
Spider Scheduler: {url}/
{login}
  First:   log in and open Tasks. {first}
  Stop:    Ctrl-C. Everything is kept; the next start takes seconds.
"""
NEW_LOGIN = """  Name:     {name}
  Password: {password}   (shown only now; change it after the first login)
"""
KNOWN_LOGIN = """  Name:     {name}, with its password (forgotten: manage.py changepassword {name})
"""


class Command(BaseCommand):
    help = "Brings database, static files, first administrator and demo tasks up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        for folder in settings.LOCALE_PATHS:
            compile_all(folder)
        collect_static()
        login = first_administrator()
        self.refresh_spiders()
        load_demo()
        first = (
            "The demo tasks run by themselves; New task makes your own."
            if settings.DEMO
            else "New task makes the first one."
        )
        self.stdout.write(WELCOME.format(url=settings.SITE_URL, login=login, first=first))

    def refresh_spiders(self) -> None:
        """Spiders that can't be listed are no reason not to start: the pages say what is wrong."""
        try:
            refresh_catalogue()
        except CatalogueUnreadable as error:
            self.stderr.write(self.style.WARNING(str(error)))


def collect_static() -> None:
    """Compressing takes seconds, so only when a source file changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".sources"
    sources = static_fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == sources:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(sources, encoding="ascii")


def static_fingerprint() -> str:
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    files = (
        Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list(None)
    )
    for file in sorted(files):
        facts = file.stat()
        digest.update(f"{file} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def first_administrator() -> str:
    known = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if known:
        return KNOWN_LOGIN.format(name=known.get_username())
    name = settings.ADMIN_USERNAME
    if User.objects.filter(username=name).exists():
        raise CommandError(
            f"There is no administrator, and the name {name} belongs to somebody else. "
            "Give another name in ADMIN_USERNAME."
        )
    password = settings.ADMIN_PASSWORD or secrets.token_urlsafe(12)
    user = User.objects.create_superuser(name, password=password)
    user.groups.add(Group.objects.get(name="Administrator"))
    shown = "the one in ADMIN_PASSWORD" if settings.ADMIN_PASSWORD else password
    return NEW_LOGIN.format(name=name, password=shown)


def load_demo() -> None:
    if settings.DEMO and not demo.load_demo(site_url=settings.SITE_URL):
        demo.point_demo(site_url=settings.SITE_URL)

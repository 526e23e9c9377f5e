from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app
from django.core import checks
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Spider Scheduler")

    def ready(self) -> None:
        import_module("tasks.checks")
        connection_created.connect(limit_hung_transactions)


def limit_hung_transactions(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Who is suspended inside a transaction (kill -STOP, a paused container, Ctrl-Z) must not keep
    its locks: no scheduler could fire what they are on. SQLite has nothing like it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '8s'")


class SiteAdminConfig(SimpleAdminConfig):
    """The admin's pages are loaded by the URLs: a scheduler serves none, and would keep them in
    memory all its life."""

    default_site = "tasks.web.site.SchedulerAdminSite"

    def ready(self) -> None:
        checks.register(check_admin, checks.Tags.admin)


def check_admin(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Sequence[checks.CheckMessage]:
    autodiscover()
    return check_admin_app(app_configs, **kwargs)

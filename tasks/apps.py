from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app
from django.core import checks
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Spider Scheduler")

    def ready(self) -> None:
        import_module("tasks.checks")


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

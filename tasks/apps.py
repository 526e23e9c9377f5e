from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Spider Scheduler")

    def ready(self) -> None:
        import_module("tasks.checks")


class SiteAdminConfig(AdminConfig):
    default_site = "tasks.web.site.SchedulerAdminSite"

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Spider Scheduler")

    def ready(self) -> None:
        from tasks.handlers import check_handlers  # noqa: PLC0415 - models are loaded only now

        register(check_handlers)


class SiteAdminConfig(AdminConfig):
    default_site = "tasks.web.site.SchedulerAdminSite"

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Spider Scheduler")


class SiteAdminConfig(AdminConfig):
    default_site = "tasks.web.site.SchedulerAdminSite"

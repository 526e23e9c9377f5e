"""The same Django, database and data under the stock admin, for comparisons."""

from __future__ import annotations

from scheduler_site.settings import *  # noqa: F403
from scheduler_site.settings import INSTALLED_APPS, TEMPLATES

OURS, STOCK = "tasks.apps.SiteAdminConfig", "django.contrib.admin.apps.SimpleAdminConfig"
INSTALLED_APPS = [STOCK if app == OURS else app for app in INSTALLED_APPS]
TEMPLATES = [{**TEMPLATES[0], "DIRS": []}]
ROOT_URLCONF = "script.benchmarks.stock_urls"

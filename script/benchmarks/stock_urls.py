from __future__ import annotations

from django.contrib import admin
from django.urls import path

from tasks.models import Run, Task

site = admin.AdminSite()


class StockRuns(admin.ModelAdmin[Run]):
    list_display = ("task_name", "status", "at", "started_at", "items", "trigger")
    list_filter = ("status", "trigger")


class StockTasks(admin.ModelAdmin[Task]):
    list_display = ("name", "spider", "enabled", "owner")
    list_filter = ("enabled", "spider")


site.register(Run, StockRuns)
site.register(Task, StockTasks)
urlpatterns = [path("admin/", site.urls)]

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from tasks.models import Task
from tasks.web import (
    actions,
    backfill,
    bulk,
    changes,
    deletion,
    figures,
    spreadsheet,
    task_list,
    task_view,
)
from tasks.web.site import View


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin[Task]):
    """The stock addresses and rights; the pages are ours and every change is a service call."""

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: View, name: str) -> URLPattern:
            wrapped: View = self.admin_site.admin_view(view)
            return path(route, wrapped, name=f"tasks_task_{name}")

        return [
            own("<int:pk>/run/", actions.run_task, "run"),
            own("<int:pk>/test/", actions.test_task, "test"),
            own("<int:pk>/switch/", actions.switch_task, "switch"),
            own("<int:pk>/copy/", actions.copy_task, "copy"),
            own("<int:pk>/backfill/", self.backfill_view, "backfill"),
            own("<int:pk>/figures/", self.figures_view, "figures"),
            own("from-spreadsheet/", spreadsheet.page, "spreadsheet"),
            own("<int:pk>/undo/", changes.undo, "undo"),
            *super().get_urls(),
        ]

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return self.admin_site.each_context(request)

    def _task(self, request: HttpRequest, object_id: str) -> Task:
        task = self.get_object(request, object_id)
        if task is None:
            raise Http404
        return task

    def backfill_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return backfill.page(request, pk, self._context(request))

    def figures_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return figures.page(request, pk, self._context(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return bulk.act(request, self._context(request))
        return task_list.page(request, self._context(request))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        task = self._task(request, object_id) if object_id else None
        if not self._may_open(request, task):
            raise PermissionDenied
        return task_view.page(request, self._context(request), task)

    def _may_open(self, request: HttpRequest, task: Task | None) -> bool:
        if task is None:
            return self.has_add_permission(request)
        if request.method == "POST":
            return self.has_change_permission(request, task)
        return self.has_view_permission(request, task)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        task = self._task(request, object_id)
        if not self.has_delete_permission(request, task):
            raise PermissionDenied
        return deletion.page(request, self._context(request), [task])

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return changes.page(request, self._context(request), self._task(request, object_id))

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from tasks.admin.controls import OwnPages
from tasks.models import Run
from tasks.web import actions, history, run_files, run_view
from tasks.web.site import View


@admin.register(Run)
class RunAdmin(OwnPages):
    """The ledger is read here; only the services write it."""

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: View, name: str) -> URLPattern:
            wrapped: View = self.admin_site.admin_view(view)
            return path(route, wrapped, name=f"tasks_run_{name}")

        return [
            own("<uuid:run_id>/", run_view.page, "page"),
            own("<uuid:run_id>/live/", run_view.live, "live"),
            own("<uuid:run_id>/log/", run_files.log_lines, "log"),
            own("<uuid:run_id>/log/file/", run_files.log_file, "log_file"),
            own("<uuid:run_id>/items/<slug:form>/", run_files.items_file, "items"),
            own("<uuid:run_id>/file/", run_files.exported, "file"),
            own("<uuid:run_id>/bundle/", run_files.bundle_file, "bundle"),
            own("<uuid:run_id>/failing-page/", run_files.failing_page, "failing_page"),
            own("<uuid:run_id>/stop/", actions.stop_run, "stop"),
            own("<uuid:run_id>/again/", actions.again, "again"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return history.page(request, self.admin_site.each_context(request))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return redirect("admin:tasks_run_page", run_id=UUID(object_id))
        except ValueError:
            raise Http404 from None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from tasks.models import AuditEntry, Blackout, Hold
from tasks.web import changes, controls


class OwnPages(admin.ModelAdmin[Any]):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # deleting is a button of its own, through the service

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404  # the page of changes tells it


class ListOnly(OwnPages):
    """Each entry is told whole in the list."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        raise Http404


@admin.register(Hold)
class HoldAdmin(ListOnly):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return controls.hold_page(request, self.admin_site.each_context(request))


@admin.register(Blackout)
class BlackoutAdmin(OwnPages):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return controls.blackout_list(request, self.admin_site.each_context(request))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        blackout = self.get_object(request, object_id) if object_id else None
        if object_id and blackout is None:
            raise Http404
        allowed = (
            self.has_change_permission(request) if blackout else self.has_add_permission(request)
        )
        if not allowed:
            raise PermissionDenied
        return controls.blackout_form(request, self.admin_site.each_context(request), blackout)


@admin.register(AuditEntry)
class AuditAdmin(ListOnly):
    """The record of changes: read by those who may, written by the services alone."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return changes.all_page(request, self.admin_site.each_context(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

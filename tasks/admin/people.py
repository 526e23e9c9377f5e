from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from tasks.admin.controls import OwnPages
from tasks.web import people


@admin.register(User)
class PersonAdmin(OwnPages):
    """A simple form with a role: the stock one breaks the content policy and asks too much."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return people.list_page(request, self.admin_site.each_context(request))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        user = self.get_object(request, object_id) if object_id else None
        if object_id and user is None:
            raise Http404
        allowed = self.has_change_permission(request) if user else self.has_add_permission(request)
        if not allowed:
            raise PermissionDenied
        return people.form_page(request, self.admin_site.each_context(request), user)

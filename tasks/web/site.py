from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from tasks.web import access, cleaning, controls, fragments, home, pages, people, task_files, tour
from tasks.web.trouble import SOMEBODY_ELSE

View = Callable[..., HttpResponseBase]
V = TypeVar("V", bound=View)
# Their rows are ours to show: jobs as schedules, executions as runs, users as people.
REPLACED = {"django_apscheduler.admin", "django.contrib.auth.admin", "axes.admin"}


class LoginForm(AdminAuthenticationForm):
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": _("The user name or password is not right. Check both and try again."),
    }


class SchedulerAdminSite(admin.AdminSite):
    site_header = "Spider Scheduler"
    site_title = "Spider Scheduler"
    index_title = _("Home")
    enable_nav_sidebar = False
    login_form = LoginForm

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[admin.ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        if admin_class is not None and admin_class.__module__ in REPLACED:
            return
        super().register(model_or_iterable, admin_class, **options)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return home.page(request, {**self.each_context(request), **(extra_context or {})})

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        raise Http404

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """No page of ours shows the list of all models, and it costs every page its making."""
        return super().get_app_list(request, app_label) if app_label else []

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not self._asks_for_somebody_else(request)

    def _asks_for_somebody_else(self, request: HttpRequest) -> bool:
        """Who is logged in sees the login, too, where a page sent them there."""
        return SOMEBODY_ELSE in request.GET and request.path == reverse(f"{self.name}:login")

    def admin_view(self, view: V, cacheable: bool = False) -> V:
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def outer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            is_lost = request.method == "POST" and not request.user.is_authenticated
            if is_lost and request.path != reverse(f"{self.name}:logout"):
                return _log_in_first(request)
            return inner(request, *args, **kwargs)

        return cast("V", outer)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        def own(route: str, view: View, name: str) -> URLPattern:
            wrapped: View = self.admin_view(view)
            return path(route, wrapped, name=name)

        return [
            own("preview/", fragments.preview, "tasks_preview"),
            own("arguments/", fragments.arguments, "tasks_arguments"),
            own("live/", home.live, "tasks_live"),
            own("tour/end/", tour.end, "tour_end"),
            own("me/", people.me, "me"),
            own("password_change/", people.password, "password_change"),
            own("password_change/done/", people.me, "password_change_done"),
            own("me/tokens/", access.tokens, "me_tokens"),
            own("me/tokens/<int:pk>/revoke/", access.token_revoke, "token_revoke"),
            own("tasks/task/<int:pk>/data/", access.data_links, "task_data_links"),
            own("data/<int:pk>/revoke/", access.data_link_revoke, "data_link_revoke"),
            own("people/<int:pk>/delete/", people.delete, "person_delete"),
            own("holds/release/", controls.release, "hold_release"),
            own("blackouts/<int:pk>/delete/", controls.blackout_delete, "blackout_delete"),
            own("clean-up/", cleaning.page, "clean_up"),
            own("files/", task_files.page, "task_files"),
            own("files/tasks.<str:ending>", task_files.export, "task_files_export"),
            own("spiders/", pages.spiders, "spiders"),
            own("spiders/help/", pages.what_is_a_spider, "spider_help"),
            *super().get_urls(),
        ]


def _log_in_first(request: HttpRequest) -> HttpResponseBase:
    """Back to the page with the button: many an address of a button shows nothing by itself."""
    messages.warning(
        request,
        _(
            "You had been logged out, so nothing was saved or started. Log in and do it again."
            " Going back twice in your browser then brings back what you wrote."
        ),
    )
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()})
    page = urlsplit(came_from)._replace(scheme="", netloc="").geturl() if is_ours else ""
    return redirect_to_login(page or reverse("admin:index"), reverse("admin:login"))

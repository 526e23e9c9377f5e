from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()

handler400 = "scheduler_site.trouble.bad_request"
handler403 = "tasks.web.trouble.forbidden"
handler404 = "tasks.web.trouble.not_found"
handler500 = "scheduler_site.trouble.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("tasks.api.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]

if settings.DEMO:
    urlpatterns.append(path("", include("tasks.demo.urls")))

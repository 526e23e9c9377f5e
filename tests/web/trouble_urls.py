"""The site, and addresses that fail in each way."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.urls import path

from scheduler_site.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

FAILURES = {
    "bad": SuspiciousOperation("secret detail"),
    "forbidden": PermissionDenied("secret detail"),
    "gone": Http404("secret detail"),
    "broken": RuntimeError("secret detail"),
    "no-database": OperationalError("secret detail"),
}


def fail(request, kind):
    raise FAILURES[kind]


urlpatterns = [path("fails/<slug:kind>/", fail), path("api/fails/<slug:kind>/", fail), *urlpatterns]

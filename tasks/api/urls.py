from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path, re_path
from django.utils.translation import gettext as _

from tasks.api import data_files
from tasks.api.app import api
from tasks.api.problems import problem

View = Callable[..., HttpResponseBase]

_patterns, _app, _namespace = api.urls


def as_problem(view: View) -> View:
    """Ninja refuses a wrong method in plain text."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        response = view(request, *args, **values)
        if response.status_code != 405:
            return response
        message = _("This address does not take %s.") % request.method
        return problem(405, message, headers={"Allow": response["Allow"]})

    return answered


def unknown(request: HttpRequest) -> HttpResponseBase:
    return problem(404, _("There is nothing at this address."))


def _is_known_at_root(pattern: URLPattern | URLResolver) -> bool:
    name = getattr(pattern, "name", None) or ""
    return name.startswith("gateway") or name == "metrics"


for pattern in _patterns:
    if isinstance(pattern, URLPattern):
        pattern.callback = as_problem(pattern.callback)

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", (_patterns, _app, _namespace)),
    re_path(r"^api/", unknown),
    # The gateway's clients also know its paths without the prefix.
    *filter(_is_known_at_root, _patterns),
    path("data/<str:name>", data_files.latest_good_data, name="latest-data"),
]

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, URLPattern, URLResolver, path, re_path, resolve
from django.utils.translation import gettext as _
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt

from tasks.api import data_files
from tasks.api.app import api
from tasks.api.problems import problem

View = Callable[..., HttpResponseBase]

_patterns, _app, _namespace = api.urls


def as_problem(view: View) -> View:
    """Ninja refuses a wrong method in plain text, and HEAD where it takes GET."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        response = view(request, *args, **values)
        if response.status_code == 405:
            message = _("This address does not take %s.") % request.method
            response = problem(405, message, headers={"Allow": response["Allow"]})
        return without_body(request, response) if is_head else response

    return answered


def without_body(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The server closes what it had to send, as after every answer."""
    request.method = "HEAD"
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = []
    elif isinstance(response, HttpResponse):
        response.content = b""
    return response


@no_append_slash
@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponseBase:
    """An address with a slash at its end is the one without."""
    try:
        match = resolve(request.path_info.rstrip("/")) if request.path.endswith("/") else None
    except Resolver404:
        match = None
    if match is None or match.func is unknown:
        return problem(404, _("There is nothing at this address."))
    request.resolver_match = match
    answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return answer


def _is_known_at_root(pattern: URLPattern | URLResolver) -> bool:
    name = getattr(pattern, "name", None) or ""
    return name.startswith("gateway") or name in {"metrics", "health"}


for pattern in _patterns:
    if isinstance(pattern, URLPattern):
        pattern.callback = as_problem(pattern.callback)

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", (_patterns, _app, _namespace)),
    re_path(r"^api/", unknown),
    # The gateway's clients also know its paths without the prefix.
    *filter(_is_known_at_root, _patterns),
    re_path(r"^(?:crawl|jobs|search|export|metrics|health)(?:/.*)?$", unknown),
    path("data/<str:name>", data_files.latest_good_data, name="latest-data"),
]

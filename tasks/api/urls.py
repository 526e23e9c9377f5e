from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tasks.api.app import api

_api_urls = api.urls


def _is_of_gateway(pattern: URLPattern | URLResolver) -> bool:
    return (getattr(pattern, "name", None) or "").startswith("gateway")


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", _api_urls),
    # The gateway's clients also know its paths without the prefix.
    *filter(_is_of_gateway, _api_urls[0]),
]

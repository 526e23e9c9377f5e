"""The page that shows the API's own description: drawn once per language, plain HTML."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import (
    add_never_cache_headers,
    get_conditional_response,
    patch_cache_control,
)
from django.utils.http import quote_etag
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from tasks.api.reference.examples import example_of
from tasks.api.reference.operations import ROOT, groups_of, schemas_of
from tasks.api.reference.requests import pretty
from tasks.api.reference.words import REFUSALS
from tasks.api.streams.openapi import EXAMPLE


@dataclass(frozen=True, slots=True)
class Drawn:
    index: SafeString
    main: SafeString


class Reference(DocsBase):
    def __init__(self) -> None:
        # The description does not change while a process lives.
        self._drawn: dict[tuple[str, str], Drawn] = {}

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        schema_url = self.get_openapi_url(api, kwargs)
        context = {
            **admin.site.each_context(request),
            "title": _("REST API"),
            "version": api.version,
            "schema_url": schema_url,
            "drawn": self.drawn(api, schema_url),
        }
        response = render(request, "tasks/api_reference.html", context)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
            return response
        return kept(request, response)

    def drawn(self, api: NinjaAPI, schema_url: str) -> Drawn:
        key = (get_language() or settings.LANGUAGE_CODE, settings.SITE_URL)
        if key not in self._drawn:
            self._drawn[key] = draw(dict(api.get_openapi_schema()), schema_url)
        return self._drawn[key]


def kept(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Whoever is not logged in gets the same page each time, and need not fetch it twice."""
    response["ETag"] = quote_etag(hashlib.sha256(response.content).hexdigest()[:32])
    patch_cache_control(response, private=True, no_cache=True)
    answer: HttpResponseBase | None = get_conditional_response(
        request, etag=response["ETag"], response=response
    )
    return answer if isinstance(answer, HttpResponse) else response


def draw(description: dict[str, Any], schema_url: str) -> Drawn:
    schemas = description["components"]["schemas"]
    groups = groups_of(description, site=settings.SITE_URL)
    context = {
        "groups": groups,
        "schemas": schemas_of(description, groups),
        "refusals": REFUSALS,
        "problem": pretty(example_of(schemas["Problem"], schemas)),
        "stream": EXAMPLE,
        "schema_url": schema_url,
        "site": settings.SITE_URL,
        "root": ROOT,
        "limit": settings.API_RATE_LIMIT,
        "zone": settings.SCHEDULER_TIMEZONE,
    }
    return Drawn(
        render_to_string("tasks/_api_index.html", context),
        render_to_string("tasks/_api_main.html", context),
    )

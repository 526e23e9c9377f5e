"""The API's description, with what Ninja can't know of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema

from tasks.api.problems import CONTENT_TYPE

PROBLEM = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A POST that is sent again with the same key within a day does its work once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag of the task as you know it; 412 when it was changed since.",
    "schema": {"type": "string", "pattern": r'^("[0-9]{1,9}"|\*)$'},
}
WITH_BODY = {400: "The body is not JSON.", 413: "The body is too large."}

Json = dict[Any, Any]


class OfflineDocs(Swagger):
    """Ninja's page with the files of this site: where Ninja is not an app it asks another host."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        settings = {**self.settings, "url": self.get_openapi_url(api, kwargs)}
        return render(request, "tasks/api_docs.html", {"api": api, "swagger_settings": settings})


class Api(NinjaAPI):
    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: Json | None = None
    ) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for method, operation in _operations(schema):
            _describe(method, operation)
        return schema


def _operations(schema: Json) -> Iterator[tuple[str, Json]]:
    for path in schema["paths"].values():
        yield from path.items()


def _describe(method: str, operation: Json) -> None:
    responses: Json = operation["responses"]
    if "requestBody" in operation:
        for status, words in WITH_BODY.items():
            responses.setdefault(status, {"description": words})
    for status, response in responses.items():
        if int(status) >= 400 and not _is_own(response):
            response["content"] = PROBLEM
    if method == "post":
        operation["parameters"].append(IDEMPOTENCY_KEY)
        responses.setdefault(409, {"description": "Conflict", "content": PROBLEM})
    if 412 in responses:
        operation["parameters"].append(IF_MATCH)


def _is_own(response: Json) -> bool:
    """An answer of its own shape, such as that of an unhealthy service."""
    content = response.get("content", {}).get("application/json", {})
    reference: str = content.get("schema", {}).get("$ref", "")
    return reference.endswith("/HealthOut")

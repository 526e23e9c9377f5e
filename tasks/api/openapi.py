"""The API's description, with what Ninja can't know of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from tasks.api.auth import Token
from tasks.api.groups import LEAST
from tasks.api.meanings import explain_parameters, explain_schemas
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


class Schema(OpenAPISchema):
    def operation_security(self, operation: Operation) -> list[Json] | None:
        """With the scope that a token needs, which Ninja leaves out."""
        found = super().operation_security(operation)
        for auth, entry in zip(operation.auth_callbacks, found or (), strict=True):
            if isinstance(auth, Token):
                entry["Token"] = [auth.scope]
        return found


class Api(NinjaAPI):
    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: Json | None = None
    ) -> OpenAPISchema:
        root = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        schema = Schema(self, root)
        explain_schemas(schema["components"]["schemas"])
        for path, method, operation in _operations(schema):
            _describe(method, operation)
            group = LEAST.get((method.upper(), "/" + path.removeprefix(f"/{root.strip('/')}/")))
            if group:
                operation["x-least-group"] = group
        return schema


def _operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _describe(method: str, operation: Json) -> None:
    explain_parameters(operation["parameters"])
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

"""The operations and schemas of an OpenAPI description, as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.api.reference.kinds import Json, Part, kind_of, name_of
from tasks.api.reference.limits import Allowed, allowed_by
from tasks.api.reference.requests import curl
from tasks.api.reference.rows import Row, field_rows, parameter_row

ROOT = "/api/v1"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    about: str
    # By media type; without a kind it is a file or nothing.
    shapes: list[tuple[str, list[Part]]]


@dataclass(frozen=True, slots=True)
class Operation:
    anchor: str
    method: str
    # Below the root, in parts that a line may break between.
    path: list[str]
    about: str
    group: str
    scope: str
    is_open: bool
    parameters: list[Row]
    body: list[Part]
    body_required: bool
    fields: list[Row]
    curl: str
    answers: list[Answer]
    refusals: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    tag: str
    operations: list[Operation]


@dataclass(frozen=True, slots=True)
class SchemaShown:
    name: str
    about: str
    kind: list[Part]
    allowed: Allowed
    fields: list[Row]
    used_by: list[Operation]


def groups_of(description: Json, *, site: str) -> list[Group]:
    """By their first tag, in the order of the description."""
    found: dict[str, list[Operation]] = {}
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            tag = next(iter(operation.get("tags", ())), "")
            shown = _operation(path, method.upper(), operation, schemas, site)
            found.setdefault(tag, []).append(shown)
    return [Group(tag, operations) for tag, operations in found.items()]


def _operation(path: str, method: str, operation: Json, schemas: Json, site: str) -> Operation:
    body = operation.get("requestBody", {})
    node = body.get("content", {}).get("application/json", {}).get("schema", {})
    responses = {str(status): each for status, each in operation["responses"].items()}
    return Operation(
        anchor=anchor_of(method, path),
        method=method,
        path=re.findall(r"/[^/]*", path.removeprefix(ROOT)),
        about=operation.get("description") or operation.get("summary", ""),
        group=operation.get("x-least-group", ""),
        scope=_scope(operation),
        is_open=not operation.get("security"),
        parameters=[parameter_row(each) for each in operation.get("parameters", ())],
        body=kind_of(node) if node else [],
        body_required=body.get("required", False),
        fields=[row for name in _referred(node) for row in _nested(name, schemas)],
        curl=curl(method, path, operation, schemas, site),
        answers=[_answer(s, each) for s, each in responses.items() if not _is_refusal(s, each)],
        refusals=sorted(status for status, each in responses.items() if _is_refusal(status, each)),
    )


def anchor_of(method: str, path: str) -> str:
    words = re.findall(r"[\w-]+", path.removeprefix(ROOT))
    return "-".join([method.lower(), *words])


def _scope(operation: Json) -> str:
    scopes = (each["Token"] for each in operation.get("security", ()) if "Token" in each)
    return next((names[0] for names in scopes if names), "")


def _nested(name: str, schemas: Json) -> list[Row]:
    return field_rows(schemas[name], schemas, nested=True)


def _is_refusal(status: str, response: Json) -> bool:
    return int(status) >= 400 and PROBLEM in response.get("content", {})


def _answer(status: str, response: Json) -> Answer:
    content = response.get("content", {})
    shapes = [(media, _shape(each.get("schema", {}))) for media, each in content.items()]
    return Answer(status, response.get("description", ""), shapes)


def _shape(node: Json) -> list[Part]:
    """That a file is a text says nothing beyond its media type."""
    return [] if node.get("type") == "string" else kind_of(node)


def schemas_of(description: Json, groups: list[Group]) -> list[SchemaShown]:
    users = _users(groups)
    schemas = description["components"]["schemas"]
    return [
        SchemaShown(
            name=name,
            about=node.get("description", ""),
            kind=kind_of(node),
            allowed=allowed_by(node),
            fields=field_rows(node, schemas),
            used_by=users.get(name, []),
        )
        for name, node in sorted(schemas.items())
    ]


def _users(groups: list[Group]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for group in groups:
        for operation in group.operations:
            for name in dict.fromkeys(_names(operation)):
                found.setdefault(name, []).append(operation)
    return found


def _names(operation: Operation) -> Iterator[str]:
    shapes = [shape for answer in operation.answers for _media, shape in answer.shapes]
    for kind in (operation.body, *shapes):
        yield from (part.schema for part in kind if part.schema)


def _referred(node: Json) -> Iterator[str]:
    if "$ref" in node:
        yield name_of(node["$ref"])
    for each in node.get("anyOf", ()):
        yield from _referred(each)

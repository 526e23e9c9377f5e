"""The fields of an object and the parameters of an operation as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.api.reference.kinds import UNIONS, Json, Part, kind_of, literal, name_of, without_null
from tasks.api.reference.limits import Allowed, allowed_by


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    kind: list[Part]
    required: bool
    allowed: Allowed
    default: str
    about: str
    # Of a parameter: path, query, header, cookie.
    where: str = ""


def parameter_row(parameter: Json) -> Row:
    node = without_null(parameter.get("schema", {}))
    about = parameter.get("description", "")
    return _row(parameter["name"], node, parameter.get("required", False), about, parameter["in"])


def field_rows(node: Json, schemas: Json, *, nested: bool = False) -> list[Row]:
    """`nested` puts the fields of what a field refers to below it, each once on the way down."""
    return list(_fields(node, schemas, "", () if nested else None))


def _fields(node: Json, schemas: Json, prefix: str, above: tuple[str, ...] | None) -> Iterator[Row]:
    needed = set(node.get("required", ()))
    for name, each in node.get("properties", {}).items():
        yield _row(prefix + name, each, name in needed)
        if above is None:
            continue
        for mark, schema in _inner(each):
            if schema not in above and "properties" in schemas.get(schema, {}):
                below = f"{prefix}{name}{mark}."
                yield from _fields(schemas[schema], schemas, below, (*above, schema))


def _inner(node: Json, mark: str = "") -> Iterator[tuple[str, str]]:
    """The schemas that a field is made of, each with how one gets from the field to it."""
    if "$ref" in node:
        yield mark, name_of(node["$ref"])
    for key in UNIONS:
        for each in node.get(key, ()):
            yield from _inner(each, mark)
    if isinstance(node.get("items"), dict):
        yield from _inner(node["items"], f"{mark}[]")


def _row(name: str, node: Json, required: bool, about: str = "", where: str = "") -> Row:
    default = literal(node["default"]) if "default" in node else ""
    about = about or node.get("description", "") or _about_choice(node)
    return Row(name, kind_of(node), required, allowed_by(node), default, about, where)


def _about_choice(node: Json) -> str:
    """Where only one of the choices says what it is, that goes for the field."""
    choices = (each.get("description", "") for key in UNIONS for each in node.get(key, ()))
    return next(filter(None, choices), "")

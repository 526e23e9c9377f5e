"""An example of what a JSON schema describes: what its examples say, and what must be there."""

from __future__ import annotations

from typing import Any

from tasks.api.reference.kinds import Json, name_of

LEFT_OUT = object()
BY_FORMAT = {
    "date-time": "2030-04-02T09:30:00+02:00",
    "date": "2030-04-02",
    "time": "09:30:00",
    "uuid": "0b0e4ab9-7f43-4d3c-8f0c-2f9d0a9f5f62",
    "email": "maja@company.example",
    "uri": "https://shop.example/",
}
BY_TYPE = {"boolean": True, "null": None}


def example_of(node: Json, schemas: Json, above: tuple[str, ...] = ()) -> Any:
    """`LEFT_OUT` for what would hold itself without end."""
    for key in ("examples", "enum"):
        if node.get(key):
            return node[key][0]
    for key in ("example", "const", "default"):
        if key in node:
            return node[key]
    if "$ref" in node:
        name = name_of(node["$ref"])
        return LEFT_OUT if name in above else example_of(schemas[name], schemas, (*above, name))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node:
            return _of_choices(node[key], schemas, above)
    return _of_type(node, schemas, above)


def _of_choices(nodes: list[Json], schemas: Json, above: tuple[str, ...]) -> Any:
    """The first that can be shown, and null only if there is nothing else."""
    found = [example_of(each, schemas, above) for each in nodes]
    shown = [each for each in found if each is not LEFT_OUT]
    return next((each for each in shown if each is not None), None if shown else LEFT_OUT)


def _of_type(node: Json, schemas: Json, above: tuple[str, ...]) -> Any:
    kind = node.get("type", "string")
    if isinstance(kind, list):
        return _of_choices([{**node, "type": each} for each in kind], schemas, above)
    if kind == "object":
        return _of_object(node, schemas, above)
    if kind == "array":
        entry = example_of(node.get("items", {}), schemas, above)
        return [] if entry is LEFT_OUT else [entry]
    if kind in {"integer", "number"}:
        return node.get("minimum", 1)
    return BY_TYPE.get(kind, BY_FORMAT.get(node.get("format", ""), "text"))


def _of_object(node: Json, schemas: Json, above: tuple[str, ...]) -> Json:
    needed = set(node.get("required", ()))
    found = {}
    for name, each in node.get("properties", {}).items():
        # An example of null says that the field is better left out.
        if name in needed or each.get("examples", [None])[0] is not None:
            found[name] = example_of(each, schemas, above)
    return {name: value for name, value in found.items() if value is not LEFT_OUT}

"""How a JSON schema is written as a type: `string | null`, `ScheduleIn[]`, `{name: JsonValue}`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
UNIONS = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    # The name of the schema that the text is a link to.
    schema: str = ""


def without_null(node: Json) -> Json:
    """Of what stands in an address or a header: nobody can send null there."""
    choices = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
    return {**node, "anyOf": choices} if choices else node


def name_of(reference: str) -> str:
    return reference.rpartition("/")[2]


def kind_of(node: Json) -> list[Part]:
    if "$ref" in node:
        name = name_of(node["$ref"])
        return [Part(name, name)]
    for key in UNIONS:
        if key in node:
            return _joined(node[key], " & " if key == "allOf" else " | ")
    return [Part(literal(node["const"]))] if "const" in node else _plain(node)


def _plain(node: Json) -> list[Part]:
    name = node.get("type", "any")
    if isinstance(name, list):
        return _joined(({**node, "type": each} for each in name), " | ")
    if name == "array":
        return _array(node.get("items", {}))
    if name == "object":
        return _object(node)
    return [Part(str(node.get("format") or name))]


def _joined(nodes: Iterable[Json], mark: str) -> list[Part]:
    kinds: list[list[Part]] = []
    for node in nodes:
        kind = kind_of(node)
        if kind not in kinds:
            kinds.append(kind)
    return [
        part
        for place, kind in enumerate(kinds)
        for part in ([Part(mark)] if place else []) + _grouped(kind, mark)
    ]


def _grouped(kind: list[Part], mark: str) -> list[Part]:
    needs_it = mark == " & " and Part(" | ") in kind
    return [Part("("), *kind, Part(")")] if needs_it else kind


def _array(items: Json) -> list[Part]:
    kind = kind_of(items)
    is_union = any(part.text in {" | ", " & "} for part in kind)
    return [Part("("), *kind, Part(")[]")] if is_union else [*kind, Part("[]")]


def _object(node: Json) -> list[Part]:
    values = values_of(node)
    return [Part("{name: "), *kind_of(values), Part("}")] if values else [Part("object")]


def values_of(node: Json) -> Json | None:
    """What each value of an object with any names must be."""
    patterns = node.get("patternProperties", {}).values()
    more = node.get("additionalProperties")
    return next(iter(patterns), more if isinstance(more, dict) and more else None)


def literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

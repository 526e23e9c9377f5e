"""The line that sends a request from a terminal."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from tasks.api.reference.examples import LEFT_OUT, example_of
from tasks.api.reference.kinds import Json

STREAM = "text/event-stream"
WIDTH = 60


def curl(method: str, path: str, operation: Json, schemas: Json, site: str) -> str:
    parameters = operation.get("parameters", [])
    flags = "-N " if _is_stream(operation) else ""
    verb = "" if method == "GET" else f"-X {method} "
    address = _quoted(site + _filled(path, parameters))
    lines = [f"curl {flags}{verb}{address}", *_login(operation), *_query(method, parameters)]
    return " \\\n  ".join([*lines, *_body(operation, schemas)])


def example_body(operation: Json, schemas: Json) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    found = example_of(content["schema"], schemas) if "schema" in content else LEFT_OUT
    return LEFT_OUT if found is None else found


def pretty(value: Any, indent: str = "") -> str:
    """What fits stays on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent + flat) <= WIDTH:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        parts = [pretty(each, inner) for each in value]
    else:
        parts = [f"{json.dumps(name)}: {pretty(each, inner)}" for name, each in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{closing}"


def _is_stream(operation: Json) -> bool:
    return any(STREAM in each.get("content", {}) for each in operation["responses"].values())


def _filled(path: str, parameters: list[Json]) -> str:
    """With an example in place of each name, else with a variable of the shell."""
    known = {each["name"]: each for each in parameters if each["in"] == "path"}

    def value(found: re.Match[str]) -> str:
        node = known.get(found[1], {}).get("schema", {})
        return str(node["examples"][0]) if node.get("examples") else f"${found[1].upper()}"

    return re.sub(r"{(\w+)}", value, path)


def _quoted(address: str) -> str:
    return f'"{address}"' if "$" in address else shlex.quote(address)


def _login(operation: Json) -> Iterator[str]:
    if operation.get("security"):
        yield '-H "Authorization: Bearer $TOKEN"'


def _body(operation: Json, schemas: Json) -> Iterator[str]:
    body = example_body(operation, schemas)
    if body is not LEFT_OUT and (body or operation["requestBody"].get("required")):
        yield '-H "Content-Type: application/json"'
        yield f"-d {shlex.quote(pretty(body))}".replace("\n", "\n  ")


def _query(method: str, parameters: list[Json]) -> Iterator[str]:
    """Only what must be there."""
    needed = [each for each in parameters if each["in"] == "query" and each.get("required")]
    if needed and method == "GET":
        yield "-G"
    for each in needed:
        pair = f"{each['name']}={example_of(each['schema'], {})}"
        yield f"--data-urlencode {shlex.quote(pair)}"

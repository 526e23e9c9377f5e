"""The fields of a spider's declared arguments, from their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from tasks.models import Task
from tasks.models.spider import spoken
from tasks.services.arguments import resolve
from tasks.web.forms.inputs import Input

PREFIX = "arg_"
KIND_OF_TYPE = {
    "boolean": "bool", "integer": "number", "number": "number", "array": "json", "object": "json",
}  # fmt: skip
Schema = Mapping[str, Any]
Errors = Mapping[str, list[str]]


def argument_inputs(
    schema: Schema,
    values: Mapping[str, Any],
    *,
    stored_secrets: frozenset[str] = frozenset(),
    errors: Errors | None = None,
) -> list[Input]:
    resolved = resolve(schema)
    required = set(resolved.get("required", []))
    return [
        _input(
            name,
            declared,
            values,
            required=name in required,
            stored=name in stored_secrets,
            errors=list((errors or {}).get(f"arguments.{name}", [])),
        )
        for name, declared in resolved["properties"].items()
    ]


def unknown_arguments(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that the spider no longer declares: kept until somebody decides."""
    declared = resolve(schema)["properties"]
    return {name: value for name, value in values.items() if name not in declared}


def read_arguments(
    schema: Schema, data: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """What was filled in: empty optional fields are left out, unknown ones stay unless dropped."""
    raw: dict[str, Any] = {}
    for each in argument_inputs(schema, {}):
        value = _read(each, data)
        if value not in ("", None, []):
            raw[each.name.removeprefix(PREFIX)] = value
    outdated = unknown_arguments(schema, stored)
    return raw | {name: value for name, value in outdated.items() if f"drop_{name}" not in data}


def _read(each: Input, data: Mapping[str, Any]) -> Any:
    text = str(data.get(each.name, ""))
    match each.kind:
        case "bool":
            return each.name in data
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "json":
            return _parsed(text)
        case "choices":
            return data.getlist(each.name) if isinstance(data, QueryDict) else data.get(each.name)
        case "textarea" | "secret":
            return text
        case _:
            return text.strip()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else ""
    except ValueError:
        return text


def _input(
    name: str,
    declared: Schema,
    values: Mapping[str, Any],
    *,
    required: bool,
    stored: bool,
    errors: list[str],
) -> Input:
    value = values.get(name, declared.get("default"))
    kind, core = _kind(declared, value)
    return Input(
        name=PREFIX + name,
        label=spoken(str(declared.get("title", ""))) or name.replace("_", " ").capitalize(),
        kind=kind,
        value=_shown(kind, value),
        help=_help(kind, declared, stored=stored),
        required=required and not stored,
        choices=_choices(kind, core, required=required),
        unit=spoken(str(declared.get("unit", ""))),
        errors=errors,
        low=core.get("minimum"),
        high=core.get("maximum"),
        step="1" if core.get("type") == "integer" else "any",
        stored=stored,
        mono=kind in {"lines", "json"},
    )


def _kind(declared: Schema, value: Any) -> tuple[str, Schema]:
    options = [o for o in declared.get("anyOf", [declared]) if o.get("type") != "null"]
    core: Schema = options[0] if len(options) == 1 else declared
    if declared.get("secret") or declared.get("writeOnly") or core.get("format") == "password":
        return "secret", core
    if core.get("format") == "task-id":
        return "choice", {**core, "labels": task_names(value)}
    if core.get("enum"):
        return "choice", core
    return _by_type(core), core


def task_names(chosen: Any) -> dict[str, str]:
    """Only tasks that leave items behind; one that is gone stays to be seen."""
    rows = Task.objects.filter(kind__in=[Task.Kind.SPIDER, Task.Kind.SEARCH, Task.Kind.PIPELINE])
    names = dict(rows.order_by("name").values_list("task_id", "name"))
    if chosen and chosen not in names:
        names = {str(chosen): _("%(name)s (missing)") % {"name": chosen}, **names}
    return names


def _by_type(core: Schema) -> str:
    declared = str(core.get("type"))
    if declared == "array" and core.get("items", {}).get("enum"):
        return "choices"
    if declared == "array" and core.get("items", {}).get("type", "string") == "string":
        return "lines"
    if declared == "string" and core.get("format") == "date":
        return "date"
    if declared == "string" and (core.get("maxLength", 0) > 300 or core.get("multiline")):
        return "textarea"
    return KIND_OF_TYPE.get(declared, "text")


def _shown(kind: str, value: Any) -> Any:
    if kind == "secret" or value is None:
        return ""
    if kind == "lines":
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    if kind == "json":
        return value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    return value


def _help(kind: str, declared: Schema, *, stored: bool) -> str:
    text = str(declared.get("description", "")).strip()
    parts = [spoken(text)]
    if kind == "lines" and "per line" not in text.lower():
        parts.append(_("One per line."))
    if stored:
        parts.append(_("A value is stored and never shown. Leave this empty to keep it."))
    elif kind == "secret":
        parts.append(_("Stored encrypted, and never shown again."))
    return " ".join(part for part in parts if part)


def _choices(kind: str, core: Schema, *, required: bool) -> list[tuple[str, Any]]:
    if kind == "choices":
        return [(str(each), str(each)) for each in core["items"]["enum"]]
    if kind != "choice":
        return []
    enum = core.get("enum", [])
    labels = core.get("labels", {str(each): str(each) for each in enum if each is not None})
    options = list(labels.items())
    return options if required else [("", _("No choice")), *options]

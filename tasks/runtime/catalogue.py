"""Prints what spiders a project has, as one JSON object on the last line of standard output.
Runs in its own process: importing a spider executes its code."""

from __future__ import annotations

import inspect
import json
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .files import Json
from .project import (
    PRESETS_SETTING,
    Project,
    enter_project,
    load_project,
    metadata_of,
    names_in_source,
    project_path,
    relies_on_start_requests,
)

if TYPE_CHECKING:
    from scrapy import Spider

MAX_TEXT = 5000
_JSON_TYPES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}


def main(arguments: list[str]) -> int:
    del arguments
    # Whatever spiders print while they are imported must not mix with the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
    enter_project(project_path())
    try:
        catalogue = describe_project(load_project())
    except (Exception, SystemExit):  # noqa: BLE001 - project code may raise anything
        catalogue = {"spiders": [], "presets": [], "error": traceback.format_exc(limit=-5)}
    answer.write("\n" + json.dumps(catalogue) + "\n")
    answer.flush()
    return 0


def describe_project(project: Project) -> Json:
    spiders = [_describe_safely(project, name) for name in sorted(project.loader.list())]
    known = {spider["name"] for spider in spiders}
    for module, error in project.errors.items():
        names = [name for name in names_in_source(module) if name not in known] or [module]
        spiders += [_broken(name, module, error) for name in names]
    return {"spiders": spiders, "presets": sorted(project.settings.getdict(PRESETS_SETTING))}


def _describe_safely(project: Project, name: str) -> Json:
    try:
        return describe_spider(project.loader.load(name))
    except Exception:  # noqa: BLE001 - metadata is code too
        return _broken(name, "", traceback.format_exc(limit=-5))


def _broken(name: str, module: str, error: str) -> Json:
    return {"name": name, "module": module, "error": error[-MAX_TEXT:]}


def describe_spider(spider: type[Spider]) -> Json:
    metadata = metadata_of(spider)
    declared = _declared_schema(spider)
    schema = declared if declared is not None else schema_of_signature(spider)
    return {
        "name": spider.name,
        "title": str(metadata.get("title") or ""),
        "description": str(metadata.get("description") or _doc(spider))[:MAX_TEXT],
        "module": spider.__module__,
        "schema": schema,
        "gives": list(dict.fromkeys(_columns(metadata))),
        "domains": [str(name) for name in getattr(spider, "allowed_domains", None) or []],
        "inferred": declared is None,
        "error": "",
        "start_requests": relies_on_start_requests(spider),
    }


def _columns(metadata: Json) -> Iterator[str]:
    """What the items hold, in the words of their columns; else the names that the spider gives."""
    titles = metadata.get("columns")
    for each in metadata.get("gives") or []:
        known = titles.get(each) if isinstance(titles, dict) else None
        yield from map(str, known.values()) if isinstance(known, dict) else [str(each)]


def _declared_schema(spider: type[Spider]) -> Json | None:
    read = getattr(spider, "get_param_schema", None)
    return dict(read(normalize=True)) if callable(read) else None


def schema_of_signature(spider: type[Spider]) -> Json:
    """Of a spider that declares nothing: the named parameters of its __init__."""
    properties: Json = {}
    required = []
    for owner in _owners_of_init(spider):
        for name, parameter in _parameters(owner).items():
            if not _is_argument(name, parameter) or name in properties:
                continue
            properties[name] = _property(name, parameter)
            if parameter.default is inspect.Parameter.empty:
                required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _owners_of_init(spider: type[Spider]) -> list[Any]:
    """Up the classes while **kwargs hands the rest of the arguments on."""
    owners: list[Any] = []
    for owner in spider.__mro__:
        if owner.__module__.startswith("scrapy.") or owner is object:
            break
        if "__init__" not in vars(owner):
            continue
        owners.append(owner)
        kinds = {p.kind for p in _parameters(owner).values()}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    return owners


def _parameters(owner: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(owner.__init__).parameters


def _is_argument(name: str, parameter: inspect.Parameter) -> bool:
    variable = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    return not variable and parameter.kind is not parameter.POSITIONAL_ONLY and name != "self"


def _property(name: str, parameter: inspect.Parameter) -> Json:
    found: Json = {"title": name.replace("_", " ").capitalize()}
    default = parameter.default
    kind = _json_type(parameter.annotation, default)
    found["type"] = kind
    if isinstance(default, (str, int, float, bool)):
        found["default"] = default
    if any(word in name.lower() for word in ("password", "secret", "token", "api_key", "apikey")):
        found["format"] = "password"
        found.pop("default", None)
    return found


def _json_type(annotation: object, default: object) -> str:
    by_name = {getattr(kind, "__name__", ""): word for kind, word in _JSON_TYPES.items()}
    if isinstance(annotation, str):
        return by_name.get(annotation.split("|")[0].strip(), "string")
    if annotation in _JSON_TYPES:
        return _JSON_TYPES[annotation]
    return _JSON_TYPES.get(type(default), "string")


def _doc(spider: type[Spider]) -> str:
    return inspect.getdoc(spider) or "" if "__doc__" in vars(spider) and spider.__doc__ else ""

"""Checks a task's arguments against what its spider declares (JSON Schema from the catalogue)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from tasks.handlers import handler_of
from tasks.models import SpiderInfo
from tasks.secrets import MASK, seal
from tasks.services.addresses import addresses_in, problem_of_address
from tasks.services.errors import InvalidInput

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError as SchemaError

MAX_ARGUMENT = 20_000
# Names that hold addresses whether or not their spider declares so.
ADDRESSES = {"start_urls", "start_url", "urls", "url"}
# Many a spider takes these as one text, which it splits.
SEVERAL = {"start_urls", "urls"}
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0", ""}

Schema = Mapping[str, Any]
Errors = dict[str, list[str]]


@dataclass
class Arguments:
    plain: dict[str, Any] = field(default_factory=dict)
    # Encrypted, by name.
    sealed: dict[str, str] = field(default_factory=dict)
    # As declared, secrets in clear: never stored.
    given: dict[str, Any] = field(default_factory=dict, repr=False)


def declared_by(spider: str) -> Schema:
    known = SpiderInfo.objects.filter(name=spider).values_list("schema", flat=True)
    schema: Schema | None = known.first()
    if schema is None:
        raise InvalidInput({"spider": [_("There is no spider named “%s”.") % spider[:100]]})
    return schema


class Schemas:
    """What spiders declare, read once for any number of tasks."""

    def __init__(self) -> None:
        self._known: dict[str, Schema] = {}

    def of(self, spider: str) -> Schema:
        if spider not in self._known:
            self._known[spider] = resolve(declared_by(spider))
        return self._known[spider]


def clean_arguments(
    *,
    spider: str,
    raw: Mapping[str, Any],
    stored_secrets: Mapping[str, str] | None = None,
    stored: Mapping[str, Any] | None = None,
    schemas: Schemas | None = None,
) -> Arguments:
    """Coerces text to the declared types and seals secrets.

    A secret that is left out or masked keeps its stored value, and so does an argument that the
    spider no longer declares. Raises InvalidInput with `arguments.NAME`.
    """
    schema = (schemas or Schemas()).of(spider)
    return _clean(schema, raw, stored_secrets or {}, stored or {})


def clean_task_arguments(
    *,
    kind: str,
    spider: str,
    raw: Mapping[str, Any],
    stored_secrets: Mapping[str, str] | None = None,
    stored: Mapping[str, Any] | None = None,
    schemas: Schemas | None = None,
) -> Arguments:
    """A crawl's arguments are declared by its spider, all others by their kind of task."""
    handler = handler_of(kind)
    if handler.is_crawl:
        return clean_arguments(
            spider=spider,
            raw=raw,
            stored_secrets=stored_secrets,
            stored=stored,
            schemas=schemas,
        )
    cleaned = _clean(resolve(handler.schema), raw, {}, {})
    if problems := handler.problems(cleaned.plain):
        raise InvalidInput({f"arguments.{name}": texts for name, texts in problems.items()})
    return cleaned


def _clean(
    schema: Schema,
    raw: Mapping[str, Any],
    stored_secrets: Mapping[str, str],
    stored: Mapping[str, Any],
) -> Arguments:
    outdated = _outdated(schema, raw, stored)
    secret = _secret(schema)
    masked = {name for name in secret if raw.get(name) == MASK}
    if strange := masked - set(stored_secrets):
        message = _("This is only the mask of a secret. Type the secret itself.")
        raise InvalidInput({f"arguments.{name}": [message] for name in sorted(strange)})
    given = {
        name: _coerce(value, _property(schema, name))
        for name, value in raw.items()
        if name not in {*outdated, *masked}
    }
    kept = {
        name: token
        for name, token in stored_secrets.items()
        if name in secret and name not in given
    }
    if errors := _errors(schema, given, have=set(kept)):
        raise InvalidInput(errors)
    result = Arguments(plain=outdated, sealed=dict(kept), given=given)
    for name, value in given.items():
        if name in secret:
            result.sealed[name] = seal(value)
        else:
            result.plain[name] = value
    return result


def _outdated(schema: Schema, raw: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in raw.items()
        if name not in schema["properties"] and name in stored and stored[name] == value
    }


def secret_names(spider: str) -> set[str]:
    info = SpiderInfo.objects.filter(name=spider).first()
    return _secret(resolve(info.schema)) if info else set()


def resolve(schema: Schema) -> dict[str, Any]:
    """The schema with its `$ref`s to `$defs` put in place, so that each property stands alone."""
    definitions = schema.get("$defs", {})

    def expand(node: Any, depth: int = 0) -> Any:
        if depth > 10:
            return {}
        if isinstance(node, list):
            return [expand(each, depth + 1) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = str(node["$ref"]).rsplit("/", 1)[-1]
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return {**expand(definitions.get(name, {}), depth + 1), **rest}
        return {key: expand(value, depth + 1) for key, value in node.items()}

    expanded = expand({key: value for key, value in schema.items() if key != "$defs"})
    return {"type": "object", "properties": {}, **expanded}


def _property(schema: Schema, name: str) -> Schema:
    found: Schema = schema["properties"].get(name, {})
    return found


def _secret(schema: Schema) -> set[str]:
    return {
        name
        for name, each in schema["properties"].items()
        if each.get("secret") or each.get("writeOnly") or each.get("format") == "password"
    }


def _types(declared: Schema) -> set[str]:
    options = [declared, *declared.get("anyOf", []), *declared.get("oneOf", [])]
    found: set[str] = set()
    for option in options:
        kind = option.get("type", [])
        found.update([kind] if isinstance(kind, str) else kind)
    return found


def _coerce(value: Any, declared: Schema) -> Any:
    """Text becomes what the spider declares; what can't is left for the check to name."""
    if not isinstance(value, str):
        return value
    types = _types(declared)
    if "string" in types:
        return value
    if "array" in types:
        return _split(value, declared)
    if "null" in types and not value.strip():
        return None
    return _scalar(value.strip(), types)


def _split(text: str, declared: Schema) -> list[str]:
    if declared.get("format") == "uri-list":
        return addresses_in(text)
    return [part.strip() for part in re.split(r"[\n,]", text) if part.strip()]


def _scalar(text: str, types: set[str]) -> Any:
    if "boolean" in types and text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    if "integer" in types and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    if "number" in types and re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", text):
        return float(text)
    return text


def _errors(schema: Schema, given: Mapping[str, Any], *, have: set[str]) -> Errors:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - memory of a scheduler's

    errors: Errors = {}
    for name, text in _unsafe(given):
        errors.setdefault(f"arguments.{name}", []).append(text)
    unknown = [name for name in given if name not in schema["properties"]]
    for name in unknown:
        errors[f"arguments.{name}"] = [_("The spider has no argument of this name.")]
    unreachable = list(_unreachable(schema, given))
    for error in Draft202012Validator({**schema, "additionalProperties": True}).iter_errors(given):
        name = _name_of(error)
        if error.validator == "pattern" and name in dict(unreachable):
            continue  # that says better what is wrong with the address
        if name not in have and f"arguments.{name}" not in errors:
            errors[f"arguments.{name}"] = [_sentence(_telling(error))]
    for name, text in unreachable:
        errors.setdefault(f"arguments.{name}", []).append(text)
    return errors


def _unreachable(schema: Schema, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        form = _property(schema, name).get("format")
        if form in {"uri", "uri-list"} or name in ADDRESSES:
            is_text = isinstance(value, str) and name in SEVERAL and form != "uri"
            urls = addresses_in(value) if is_text else _as_list(value)
            problems = (problem_of_address(str(url)) for url in urls if url)
            yield from ((name, problem) for problem in problems if problem)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _unsafe(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
            length = len(text.encode())
        except (TypeError, ValueError, RecursionError):  # NaN, lone surrogates, too deep
            yield name, _("This value can't be stored.")
            continue
        if length > MAX_ARGUMENT:
            message = _("This is too long; %(most)s characters are allowed.")
            yield name, message % {"most": MAX_ARGUMENT}
        elif "\\u0000" in text:
            yield name, _("This has a character that can't be stored (NUL).")


def _name_of(error: SchemaError) -> str:
    if error.validator == "required":
        # jsonschema reports each missing name by itself, only inside the message.
        found = re.match(r"'(.+)' is a required property", error.message)
        return found[1] if found else ""
    return str(error.absolute_path[0]) if error.absolute_path else ""


def _telling(error: SchemaError) -> SchemaError:
    """Of an optional value's alternatives, the one that the value nearly was."""
    return next((each for each in error.context or () if each.validator != "type"), error)


def _sentence(error: SchemaError) -> str:
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            return _("This is not of the kind that is expected (%s).") % _kind_word(limit)
        case "enum":
            return _("Choose one of: %s.") % ", ".join(map(str, limit))
        case "minLength" if limit == 1:
            return _("This is needed.")
    messages = {
        "required": _("This is needed."),
        "minimum": _("Enter %s or more."),
        "maximum": _("Enter %s or less."),
        "exclusiveMinimum": _("Enter more than %s."),
        "exclusiveMaximum": _("Enter less than %s."),
        "minItems": _("Enter at least %s."),
        "maxItems": _("Enter at most %s."),
        "minLength": _("Enter at least %s characters."),
        "maxLength": _("Enter at most %s characters."),
        "pattern": _("This is not in the form that is expected."),
    }
    message = messages.get(str(error.validator), _("This value is not allowed."))
    return message % limit if "%s" in message else message


def _kind_word(kind: object) -> str:
    words = {
        "integer": _("a whole number"),
        "number": _("a number"),
        "boolean": _("yes or no"),
        "string": _("text"),
        "array": _("a list"),
        "object": _("named values"),
    }
    kinds = kind if isinstance(kind, list) else [kind]
    return ", ".join(words.get(str(each), str(each)) for each in kinds)

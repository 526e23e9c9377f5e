from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.exchange.nodes import Node, Path, join
from tasks.exchange.problems import MOST, FileRefused, Problem
from tasks.exchange.schema import CLASS_PATH, DEFINITIONS, FORMS

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


@lru_cache
def _validator(form: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - memory of a scheduler's

    return Draft202012Validator({**FORMS[form], "$defs": DEFINITIONS})


def check_shape(root: Node, form: str) -> None:
    """Raises FileRefused with the places where the file is not of its form."""
    problems: list[Problem] = []
    for error in _validator(form).iter_errors(root.plain()):
        problems += _problems(root, error)
        if len(problems) >= MOST:
            break
    if problems:
        raise FileRefused(sorted(problems, key=lambda each: each.line))


def _problems(root: Node, error: ValidationError) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema["properties"]  # type: ignore[index]  # a mapping here
        for name in (each for each in error.instance if each not in known):
            yield _problem(root, (*path, name), _("There is no field of this name."))
    elif error.validator == "required":
        name = re.match(r"'(.+)' is a required property", error.message)
        yield _problem(root, path, _("“%s” is missing.") % (name[1] if name else ""))
    else:
        yield _problem(root, path, _sentence(error))


def _problem(root: Node, path: Path, message: str) -> Problem:
    return Problem(message, root.line_of(path), join(path))


def _sentence(error: ValidationError) -> str:
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            words = [str(KINDS[kind]) for kind in kinds if kind != "null"]
            return _("This must be %s.") % _(" or ").join(words)
        case "enum":
            return _("Choose one of: %s.") % ", ".join(str(each) for each in limit if each)
        case "pattern" if limit == CLASS_PATH:
            return _("Write a dotted path such as project.module.Class.")
        case "pattern":
            return _("Use letters, digits, “-” and “_” only.")
    if error.validator in {"minLength", "minItems", "minProperties"}:
        return _("This is needed.")
    return str(MESSAGES.get(str(error.validator), UNKNOWN)) % {"limit": limit}


KINDS = {
    "string": gettext_lazy("text (in quotes if need be)"),
    "integer": gettext_lazy("a whole number"),
    "boolean": gettext_lazy("true or false"),
    "array": gettext_lazy("a list"),
    "object": gettext_lazy("names with values"),
}
MESSAGES = {
    "const": gettext_lazy("Only %(limit)s can be read."),
    "minimum": gettext_lazy("Write %(limit)s or more."),
    "maximum": gettext_lazy("Write %(limit)s or less."),
    "maxLength": gettext_lazy("Write at most %(limit)s characters."),
    "maxItems": gettext_lazy("Write at most %(limit)s."),
}
UNKNOWN = gettext_lazy("This is not what is expected here.")

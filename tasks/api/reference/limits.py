"""Which values a JSON schema allows, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tasks.api.fields import NO_NUL
from tasks.api.reference.kinds import UNIONS, Json, literal

# By the names of the lower and upper bound: both, only the lower, only the upper one.
BOUNDS = (
    (
        ("minLength", "maxLength"),
        gettext_noop("%(low)s to %(high)s characters"),
        gettext_noop("at least %(low)s characters"),
        gettext_noop("up to %(high)s characters"),
    ),
    (
        ("minItems", "maxItems"),
        gettext_noop("%(low)s to %(high)s entries"),
        gettext_noop("at least %(low)s entries"),
        gettext_noop("up to %(high)s entries"),
    ),
    (
        ("minProperties", "maxProperties"),
        gettext_noop("%(low)s to %(high)s names"),
        gettext_noop("at least %(low)s names"),
        gettext_noop("up to %(high)s names"),
    ),
    (
        ("minimum", "maximum"),
        gettext_noop("%(low)s to %(high)s"),
        gettext_noop("%(low)s or more"),
        gettext_noop("%(high)s or less"),
    ),
    (
        ("exclusiveMinimum", "exclusiveMaximum"),
        gettext_noop("more than %(low)s, less than %(high)s"),
        gettext_noop("more than %(low)s"),
        gettext_noop("less than %(high)s"),
    ),
)
# Nothing has fewer than none: a bound of 0 says nothing.
SIZES = {"minLength", "minItems", "minProperties"}


@dataclass(slots=True)
class Allowed:
    values: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.values or self.words or self.patterns)


def allowed_by(node: Json) -> Allowed:
    """Of all its choices and, for a list, of its entries too; what it refers to says it itself."""
    found = Allowed()
    for each, is_entry in _nodes(node):
        _add(found.values, [literal(value) for value in each.get("enum", ())])
        words = _bounds(each)
        _add(found.words, [_("each %s") % word if is_entry else word for word in words])
        # That no text holds a NUL is said once, above.
        _add(found.patterns, [p for p in [each.get("pattern")] if p and p != NO_NUL])
    return found


def _add(known: list[str], more: list[str]) -> None:
    known += [each for each in more if each not in known]


def _nodes(node: Json, is_entry: bool = False) -> Iterator[tuple[Json, bool]]:
    yield node, is_entry
    for key in UNIONS:
        for each in node.get(key, ()):
            yield from _nodes(each, is_entry)
    if isinstance(node.get("items"), dict):
        yield from _nodes(node["items"], is_entry=True)


def _bounds(node: Json) -> Iterator[str]:
    for (low, high), both, only_low, only_high in BOUNDS:
        least, most = node.get(low), node.get(high)
        if low in SIZES and not least:
            least = None
        values = {"low": _number(least), "high": _number(most)}
        if least is not None and most is not None:
            yield _(both) % values
        elif least is not None or most is not None:
            yield _(only_low if most is None else only_high) % values


def _number(value: Any) -> str:
    return "" if value is None else number_format(value, force_grouping=True)

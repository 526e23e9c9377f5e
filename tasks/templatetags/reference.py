"""For the page of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tasks.api.reference.kinds import Part
from tasks.api.reference.words import PLACES, REFUSALS, TAGS

register = template.Library()
CODE = re.compile(r"`([^`]+)`")


@register.filter
def kind(parts: Iterable[Part]) -> SafeString:
    """A type, with links to the schemas in it."""
    drawn = (
        format_html('<a href="#schema-{}">{}</a>', part.schema, part.text)
        if part.schema
        else part.text
        for part in parts
    )
    return format_html('<code class="sp-of">{}</code>', _one_after_another(drawn))


@register.filter
def said(text: str) -> SafeString:
    """The description's own words, with `code` in them."""
    drawn = (
        format_html("<code>{}</code>", part) if place % 2 else part
        for place, part in enumerate(CODE.split(text))
    )
    return _one_after_another(drawn)


def _one_after_another(parts: Iterable[str]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


@register.filter
def breakable(parts: Sequence[str]) -> SafeString:
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def tag_words(tag: str) -> Any:
    return TAGS.get(tag) or tag.capitalize()


@register.filter
def place_words(where: str) -> Any:
    return PLACES.get(where, where)


@register.filter
def refusal_words(status: str) -> Any:
    return REFUSALS[status].short if status in REFUSALS else ""


@register.filter
def group_words(name: str) -> str:
    return _(name)


@register.filter
def all_required(rows: Sequence[Any]) -> bool:
    return len(rows) > 1 and all(row.required for row in rows)

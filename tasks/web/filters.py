from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.translation import gettext as _

# Where one stands in the list: choosing a filter starts from its beginning.
PLACE = {"p", "before", "after"}


@dataclass(frozen=True, slots=True)
class Choice:
    word: Any
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One drop-down of links; it names what is chosen."""

    name: str
    label: str
    value: str
    word: Any
    choices: list[Choice]


def build_filter(
    request: HttpRequest, name: str, label: str, options: Iterable[tuple[str, Any]]
) -> Filter:
    rest = {k: v for k, v in request.GET.items() if k != name and k not in PLACE}
    value = request.GET.get(name, "")
    words = dict(options)
    choices = [Choice(_("All"), "?" + urlencode(rest), not value)]
    choices += [
        Choice(word, "?" + urlencode({**rest, name: key}), key == value)
        for key, word in words.items()
    ]
    return Filter(name, label, value, words.get(value, value), choices)

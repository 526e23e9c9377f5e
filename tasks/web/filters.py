from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tasks.web.marks import icon

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

    def panel(self) -> SafeString:
        """The links, of which there are hundreds: a template takes twenty times as long."""
        return SafeString("".join(map(_link, self.choices)))


def _link(choice: Choice) -> str:
    url, word = escape(choice.url), escape(str(choice.word))
    if choice.chosen:
        return f'<li><a href="{url}" aria-current="true">{word}{icon("check")}</a></li>'
    return f'<li><a href="{url}">{word}</a></li>'


def build_filter(
    request: HttpRequest, name: str, label: str, options: Iterable[tuple[str, Any]]
) -> Filter:
    rest = {k: v for k, v in request.GET.items() if k != name and k not in PLACE}
    value = request.GET.get(name, "")
    words = dict(options)
    start = "?" + urlencode({**rest, name: ""})
    choices = [Choice(_("All"), "?" + urlencode(rest), not value)]
    choices += [Choice(word, start + quote_plus(key), key == value) for key, word in words.items()]
    return Filter(name, label, value, words.get(value, value), choices)

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree
from parsel import Selector
from w3lib.url import canonicalize_url

MAX_NESTING = 200
MAX_TEXT = 2000
MAX_STEPS = 400
_BLOCKS = re.compile(
    "address|article|aside|blockquote|br|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|"
    "tbody|tfoot|thead|title|tr|ul"
)
_SILENT = re.compile("script|style|noscript|template|svg|head|iframe")


def squeeze(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


def first(values: Iterable[str | None]) -> str | None:
    """The first that says something."""
    return next((clean for value in values if (clean := squeeze(value))), None)


def absolute_url(base: str, href: str | None) -> str | None:
    """An http address without fragment, or None for mailto:, javascript: and broken ones."""
    try:
        url = urldefrag(urljoin(base, (href or "").strip())).url
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return url if href and usable else None


def same_page_key(url: str) -> str:
    return str(canonicalize_url(url))


def host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def too_deep(page: Selector) -> bool:
    """Real pages nest some dozen levels; thousands are made to exhaust whoever reads them."""
    depth = 0
    for event, _ in etree.iterwalk(page.root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_NESTING:
            return True
    return False


def text_within(element: Any, limit: int = MAX_TEXT) -> str:
    """The element's text, read only so far: nested elements would repeat it without end."""
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in islice(walk, MAX_STEPS):
        part = node.text if event == "start" else node.tail if node is not element else None
        parts.append(part or "")
        limit -= len(part or "")
        if limit <= 0:
            break
    return squeeze("".join(parts))[:MAX_TEXT]


def visible_lines(selector: Selector) -> list[str]:
    """The text that a reader sees, one line per block."""
    lines: list[str] = []
    current: list[str] = []
    for kind, value in _walk(selector):
        if kind == "text":
            current.append(value)
        else:
            lines.append(squeeze("".join(current)))
            current = []
    lines.append(squeeze("".join(current)))
    return [line for line in lines if line]


def _walk(selector: Selector) -> Iterable[tuple[str, str]]:
    # Iterative: a hostile page may nest deeper than Python recurses.
    stack: list[tuple[str, Any]] = [("node", selector.root)]
    while stack:
        kind, node = stack.pop()
        if kind != "node":
            yield kind, str(node)
            continue
        tag = getattr(node, "tag", None)
        if not isinstance(tag, str) or _SILENT.fullmatch(tag):
            continue
        stack.extend(reversed(list(_parts(node, bool(_BLOCKS.fullmatch(tag))))))


def _parts(node: Any, block: bool) -> Iterable[tuple[str, Any]]:
    # The cells of a row are one line, but not one word.
    yield ("break", "") if block else ("text", " " if node.tag in {"td", "th"} else "")
    if node.text:
        yield "text", node.text
    for child in node:
        yield "node", child
        if child.tail:
            yield "text", child.tail
    if block:
        yield "break", ""

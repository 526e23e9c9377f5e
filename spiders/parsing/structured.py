"""Structured data of a page: JSON-LD and microdata as plain dictionaries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from parsel import Selector

from spiders.parsing.text import absolute_url, squeeze, text_within

_COMMENT = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
# What stands below these isn't what the page is about.
_OTHER_THINGS = {"itemListElement", "isRelatedTo", "isSimilarTo", "isAccessoryOrSparePartFor"}
_MAX_NODES = 5000
_MAX_SCOPES = 500
_MAX_DEPTH = 20


def json_ld(page: Selector) -> list[dict[str, Any]]:
    """Every object that has a type, found through lists, @graph and nesting."""
    nodes: list[dict[str, Any]] = []
    for script in page.xpath('//script[contains(@type, "ld+json")]/text()').getall():
        for node in _typed(_loads(script)):
            nodes.append(node)
            if len(nodes) >= _MAX_NODES:
                return nodes
    return nodes


def _loads(script: str) -> Any:
    text = _COMMENT.sub("", script.strip())
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _typed(value: Any) -> Iterator[dict[str, Any]]:
    stack = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > _MAX_DEPTH:
            continue
        if isinstance(node, list):
            stack.extend((each, depth + 1) for each in reversed(node))
        elif isinstance(node, dict):
            if "@type" in node:
                yield node
            inner = [each for key, each in node.items() if key not in _OTHER_THINGS]
            stack.extend((each, depth + 1) for each in reversed(inner))


def types_of(node: dict[str, Any]) -> set[str]:
    raw = node.get("@type")
    names = raw if isinstance(raw, list) else [raw]
    return {re.split(r"[/#:]", name)[-1] for name in names if isinstance(name, str)}


def microdata(page: Selector, base_url: str) -> list[dict[str, Any]]:
    """The top-level items of the page in the shape of JSON-LD, read in one walk."""
    top: list[dict[str, Any]] = []
    open_scopes: list[tuple[Any, dict[str, Any]]] = []
    for event, element in etree.iterwalk(page.root, events=("start", "end")):
        if event == "end":
            if open_scopes and open_scopes[-1][0] is element:
                open_scopes.pop()
            continue
        _read_element(element, base_url, top, open_scopes)
        if len(top) >= _MAX_SCOPES:
            break
    return top


def _read_element(
    element: Any,
    base_url: str,
    top: list[dict[str, Any]],
    open_scopes: list[tuple[Any, dict[str, Any]]],
) -> None:
    names = (element.get("itemprop") or "").split() if open_scopes else []
    parent = open_scopes[-1][1] if open_scopes else {}
    if element.get("itemscope") is None:
        value: Any = _microdata_value(element, base_url) if names else None
    else:
        value = {"@type": (element.get("itemtype") or "").split()}
        open_scopes.append((element, value))
        if not names:
            top.append(value)
    for name in names:
        _append(parent, name, value)


def _microdata_value(element: Any, base_url: str) -> str | None:
    tag = str(element.tag).lower()
    if (content := element.get("content")) is not None:
        return squeeze(content)
    if tag in {"a", "area", "link"}:
        return absolute_url(base_url, element.get("href")) or squeeze(element.get("href"))
    if tag in {"img", "source", "embed", "iframe", "audio", "video"}:
        return absolute_url(base_url, element.get("src"))
    if tag in {"data", "meter"}:
        return squeeze(element.get("value"))
    if tag == "time" and element.get("datetime"):
        return squeeze(element.get("datetime"))
    return text_within(element)


def _append(item: dict[str, Any], name: str, value: Any) -> None:
    if name not in item:
        item[name] = value
    elif isinstance(item[name], list) and name != "@type":
        item[name].append(value)
    else:
        item[name] = [item[name], value]

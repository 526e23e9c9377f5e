"""Where a shop's page leads: to products, to categories, to its next page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from lxml import etree
from parsel import Selector

from spiders.parsing.structured import json_ld, microdata, types_of
from spiders.parsing.text import absolute_url, squeeze, text_within

_MAX_LINKS = 5000
# What encloses or is a link to a product, and to a category, by class and role.
_PRODUCT_CLASS = re.compile(r"(?i)\bproducts?[-_]?(?:item|card|tile|pod|link|box|teaser)?\b")
_CATEGORY_CLASS = re.compile(r"(?i)categor|\bmenu\b|\bnav\b")
_PRODUCT_PATH = re.compile(r"(?i)/(?:products?|produkt(?:er)?|item|p|dp|artikel)/[^/]+")
_CATEGORY_PATH = re.compile(
    r"(?i)/(?:categor(?:y|ies)|collections?|kategori(?:er|e|en)?|product-category|c|shop)/[^/]+"
)
_NEXT_CSS = (
    'link[rel~="next"], a[rel~="next"], .pagination .next a, .pagination a.next, '
    ".pager .next a, li.next a, a.next, a.next-page, a.pagination__next, a[aria-label*=Next]"
)
_UNWANTED_PATH = re.compile(r"/(?:cart|basket|checkout|account|login|logout|wishlist|admin)\b")


class Link(NamedTuple):
    url: str
    text: str


def product_links(page: Selector, url: str) -> list[Link]:
    structured = [Link(found, "") for found in _structured_urls(page, url)]
    links = [
        link
        for place, link in _placed_links(page, url)
        if _PRODUCT_PATH.search(urlsplit(link.url).path)
        or (place == "product" and not _CATEGORY_PATH.search(urlsplit(link.url).path))
    ]
    return _unique([*structured, *links])


def category_links(page: Selector, url: str) -> list[Link]:
    """Links that are named or placed as categories; their path decides where there is one."""
    placed = _placed_links(page, url)
    by_path = [link for _, link in placed if _CATEGORY_PATH.search(urlsplit(link.url).path)]
    by_place = [
        link
        for place, link in placed
        if place == "category" and not _PRODUCT_PATH.search(urlsplit(link.url).path)
    ]
    return _unique(by_path or by_place)


def _placed_links(page: Selector, url: str) -> list[tuple[str, Link]]:
    """Every link with the nearest place that says something about it, in one walk."""
    found: list[tuple[str, Link]] = []
    places: list[tuple[Any, str]] = []
    for event, element in etree.iterwalk(page.root, events=("start", "end")):
        if event == "end":
            if places and places[-1][0] is element:
                places.pop()
            continue
        if place := _place(element):
            places.append((element, place))
        if element.tag == "a" and (link := _link(element, url)):
            found.append((places[-1][1] if places else "", link))
            if len(found) >= _MAX_LINKS:
                break
    return found


def _place(element: Any) -> str:
    if element.tag in {"html", "body", "main"}:
        return ""
    words = element.get("class") or ""
    if element.get("data-product-id") or (element.get("itemtype") or "").endswith("/Product"):
        return "product"
    if _PRODUCT_CLASS.search(words):
        return "product"
    named = element.tag in {"nav", "aside", "header"} or _CATEGORY_CLASS.search(words)
    return "category" if named else ""


def _link(element: Any, base_url: str) -> Link | None:
    found = absolute_url(base_url, element.get("href"))
    if not found or _UNWANTED_PATH.search(urlsplit(found).path):
        return None
    return Link(found, text_within(element, 200) or element.get("title") or "")


def next_page(page: Selector, url: str) -> str | None:
    for node in page.css(_NEXT_CSS):
        found = absolute_url(url, node.attrib.get("href"))
        if found and found != url:
            return found
    return None


def matches_category(link: Link, wanted: str) -> bool:
    """Case and dashes don't matter: "Garden tools" is found in /category/garden-tools/."""
    needle = _plain(wanted)
    return needle in _plain(link.text) or needle in _plain(unquote(urlsplit(link.url).path))


def _plain(text: str) -> str:
    return squeeze(re.sub(r"[\W_]+", " ", text)).casefold()


def _structured_urls(page: Selector, url: str) -> Iterator[str]:
    for node in [*json_ld(page), *microdata(page, url)]:
        kinds = types_of(node)
        if "ItemList" in kinds:
            yield from _item_list_urls(node, url)
        elif "Product" in kinds and (found := absolute_url(url, _url_of(node))):
            yield found


def _item_list_urls(node: dict[str, Any], url: str) -> Iterator[str]:
    elements = node.get("itemListElement")
    for element in elements if isinstance(elements, list) else [elements]:
        if not isinstance(element, dict):
            continue
        item = element.get("item")
        found = _url_of(element) or (_url_of(item) if isinstance(item, dict) else item)
        if isinstance(found, str) and (address := absolute_url(url, found)):
            yield address


def _url_of(node: dict[str, Any]) -> str | None:
    value = node.get("url") or node.get("@id")
    return value if isinstance(value, str) else None


def _unique(links: list[Link]) -> list[Link]:
    seen: dict[str, Link] = {}
    for link in links:
        if link.url not in seen or not seen[link.url].text:
            seen[link.url] = link
    return list(seen.values())

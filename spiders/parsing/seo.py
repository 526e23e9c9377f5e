"""What search engines read from a page, and what an editor would want to hear about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from parsel import Selector

from spiders.items import SeoPage
from spiders.parsing.text import absolute_url, first, same_page_key, squeeze, visible_lines

TITLE_LENGTH = 60
DESCRIPTION_LENGTH = 160
MAX_LINKS = 5000
_HREFLANG = re.compile(r"(?i)x-default|[a-z]{2,3}(?:-[a-z0-9]{2,8})*")


class PageLink(NamedTuple):
    url: str
    text: str
    nofollow: bool


def describe_page(page: Selector, base_url: str, url: str) -> SeoPage:
    found = SeoPage(
        url=url,
        status=200,
        title=first(page.xpath("//head//title/text() | //title/text()").getall()[:1]),
        description=_meta(page, "description"),
        h1=[squeeze(node.xpath("string()").get()) for node in page.xpath("//h1")[:20]],
        canonical=_link(page, base_url, "canonical"),
        language=squeeze(page.xpath("/html/@lang").get()) or None,
        robots=_meta(page, "robots"),
        word_count=sum(len(line.split()) for line in visible_lines(page)),
        hreflang=_hreflang(page, base_url),
    )
    found.problems = list(_problems(found, page))
    return found


def page_links(page: Selector, base_url: str) -> list[PageLink]:
    links: dict[str, PageLink] = {}
    for node in page.xpath("//a[@href] | //area[@href]")[:MAX_LINKS]:
        url = absolute_url(base_url, node.attrib["href"])
        if url and url not in links:
            text = squeeze(node.xpath("string()").get())[:200] or node.attrib.get("title", "")
            nofollow = "nofollow" in (node.attrib.get("rel") or "").lower().split()
            links[url] = PageLink(url, text, nofollow)
    return list(links.values())


def _meta(page: Selector, name: str) -> str | None:
    lower = "translate(@name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
    return first(page.xpath(f"//meta[{lower} = $name]/@content", name=name).getall()[:1])


def _link(page: Selector, base_url: str, rel: str) -> str | None:
    href = page.xpath("//link[contains(concat(' ', @rel, ' '), $rel)]/@href", rel=f" {rel} ").get()
    return absolute_url(base_url, href)


def _hreflang(page: Selector, base_url: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in page.xpath("//link[@hreflang and @href]")[:200]:
        language = node.attrib["hreflang"].strip()
        url = absolute_url(base_url, node.attrib["href"])
        if url and _HREFLANG.fullmatch(language):
            found.setdefault(language, url)
    return found


def _problems(found: SeoPage, page: Selector) -> Iterator[str]:
    yield from _length_problems("title", found.title, TITLE_LENGTH)
    yield from _length_problems("description", found.description, DESCRIPTION_LENGTH)
    if not found.h1:
        yield "No heading (h1)"
    elif len(found.h1) > 1:
        yield f"{len(found.h1)} headings (h1) instead of one"
    if found.canonical and same_page_key(found.canonical) != same_page_key(found.url):
        yield "The canonical address is another page"
    if found.robots and "noindex" in found.robots.lower():
        yield "Hidden from search engines (noindex)"
    if without := len(page.xpath("//img[not(@alt)]")):
        yield f"{without} picture{'' if without == 1 else 's'} without a text (alt)"


def _length_problems(what: str, text: str | None, most: int) -> Iterator[str]:
    if not text:
        yield f"No {what}"
    elif len(text) > most:
        yield f"The {what} is longer than {most} characters"

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from parsel import Selector
from pydantic import Field
from scrapy.http import HtmlResponse, Response
from scrapy_spider_metadata import Args

from spiders.items import Product, column_titles
from spiders.params import SpiderParams, UrlList
from spiders.parsing.listing import (
    Link,
    category_links,
    matches_category,
    next_page,
    product_links,
)
from spiders.parsing.product import parse_product
from spiders.parsing.text import host_of, same_page_key, too_deep


class VivblissParams(SpiderParams):
    start_urls: UrlList = Field(
        title="Shop pages to start from",
        description="The shop's front page, or the pages of some categories. One address per line.",
        examples=[["https://www.vivbliss.com/"]],
    )
    category: str = Field(
        default="",
        max_length=100,
        title="Only this category",
        description="Part of the category's name. Leave empty for the whole shop.",
        examples=["Garden"],
    )
    max_pages: int = Field(
        default=200,
        ge=1,
        le=50_000,
        title="Most pages to read",
        description="The spider ends after this many pages, whatever is left.",
        json_schema_extra={"unit": "pages"},
    )


class VivblissSpider(Args[VivblissParams], scrapy.Spider):
    """Reads a shop: from its categories to every product."""

    name = "vivbliss"
    metadata = {
        "title": "Shop products",
        "description": "Reads a shop from its categories to its products: name, price, currency, "
        "availability, picture and breadcrumbs.",
        "gives": ["Product"],
        "columns": {"Product": column_titles(Product)},
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.start_urls = list(self.args.start_urls)
        self.allowed_domains = sorted({host_of(url) for url in self.start_urls})
        self.seen: set[str] = set()

    async def start(self) -> AsyncIterator[Any]:
        for url in self.start_urls:
            self.seen.add(same_page_key(url))
            yield scrapy.Request(url, self.parse_start, dont_filter=True)

    def parse_start(self, response: Response) -> Iterator[Any]:
        # A shop that sends its visitors to another host is that host.
        host = host_of(response.url)
        if host not in self.allowed_domains:
            self.allowed_domains.append(host)
        yield from self.parse(response, categories=True)

    def parse(self, response: Response, categories: bool = False) -> Iterator[Any]:
        if not isinstance(response, HtmlResponse):
            return
        page = response.selector
        if too_deep(page):
            self.logger.warning("Left out, nested too deeply to be a real page: %s", response.url)
            return
        base = response.urljoin("")
        product = parse_product(page, response.url)
        if product:
            yield product
            return
        yield from self._listing(page, base, response, categories=categories)

    def _listing(
        self, page: Selector, base: str, response: Response, *, categories: bool
    ) -> Iterator[scrapy.Request]:
        found = category_links(page, base)
        if not (categories and self.args.category):
            # Products first, so that a page limit cuts categories and not the goods.
            yield from self._follow(response, product_links(page, base), priority=20)
            if following := next_page(page, base):
                yield from self._follow(response, [Link(following, "")], priority=10)
        if categories:
            yield from self._follow(response, self._wanted(found), priority=0)

    def _wanted(self, links: list[Link]) -> list[Link]:
        wanted = self.args.category
        if not wanted:
            return links
        chosen = [link for link in links if matches_category(link, wanted)]
        if not chosen:
            names = ", ".join(link.text for link in links[:20] if link.text)
            self.logger.warning("No category is called %r. The shop has: %s", wanted, names)
        return chosen

    def _follow(
        self, response: Response, links: list[Link], *, priority: int
    ) -> Iterator[scrapy.Request]:
        for link in links:
            key = same_page_key(link.url)
            if key not in self.seen:
                self.seen.add(key)
                yield response.follow(link.url, self.parse, priority=priority)

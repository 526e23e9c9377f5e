from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from pydantic import Field
from scrapy.http import HtmlResponse, Response
from scrapy_spider_metadata import Args
from twisted.python.failure import Failure

from spiders.items import BrokenLink, SeoPage, column_titles
from spiders.params import SpiderParams, UrlList
from spiders.parsing.failures import failure_words, is_left_out, status_words
from spiders.parsing.seo import PageLink, describe_page, page_links
from spiders.parsing.text import host_of, same_page_key, too_deep

ERRORS = list(range(400, 600))
MAX_REFERRERS = 20


class SeoParams(SpiderParams):
    start_urls: UrlList = Field(
        title="Pages to start from",
        description="Usually the front page of the site. One address per line.",
        examples=[["https://www.example.com/"]],
    )
    depth: int = Field(
        default=2,
        ge=0,
        le=20,
        title="How deep",
        description="0 reads the start pages alone, 1 also the pages they link to, and so on.",
        json_schema_extra={"unit": "clicks"},
    )
    max_pages: int = Field(
        default=500,
        ge=1,
        le=50_000,
        title="Most pages to read",
        description="The spider ends after this many pages and tried links.",
        json_schema_extra={"unit": "pages"},
    )
    check_links: bool = Field(
        default=True,
        title="Try the other links too",
        description="Links to other sites, and deeper ones, are tried without reading the page.",
    )


class SeoSpider(Args[SeoParams], scrapy.Spider):
    """Looks at a site as search engines do, and finds its broken links."""

    name = "seo"
    metadata = {
        "title": "Site check",
        "description": "Reads a site to a depth and reports titles, descriptions, headings, "
        "languages and links of each page, and every broken link.",
        "gives": ["SeoPage", "BrokenLink"],
        "columns": {"SeoPage": column_titles(SeoPage), "BrokenLink": column_titles(BrokenLink)},
    }
    # Breadth first: else the depth of a page would depend on which way led to it.
    custom_settings = {
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.start_urls = list(self.args.start_urls)
        self.hosts = {host_of(url) for url in self.start_urls}
        self.asked: set[str] = set()
        self.described: set[str] = set()
        self.broken: dict[str, tuple[int | None, str]] = {}
        self.referrers: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

    async def start(self) -> AsyncIterator[Any]:
        for url in self.start_urls:
            if self._first_time(url):
                yield self._page_request(url, start=True)

    def parse_page(self, response: Response, asked: str, start: bool = False) -> Iterator[Any]:
        if start:
            self.hosts.add(host_of(response.url))
        if response.status >= 400:
            yield from self._note_broken(asked, response.status, status_words(response.status))
        if host_of(response.url) not in self.hosts:
            return
        key = same_page_key(response.url)
        if (response.status < 400 or start) and key not in self.described:
            self.described.add(key)
            yield from self._describe(response)

    def _describe(self, response: Response) -> Iterator[Any]:
        page, links = self._read(response)
        depth = int(response.meta.get("depth", 0))
        page.status, page.depth = response.status, depth
        page.redirected_from = next(iter(response.meta.get("redirect_urls", [])), None)
        page.content_type = _content_type(response)
        page.internal_links = sum(host_of(link.url) in self.hosts for link in links)
        page.external_links = len(links) - page.internal_links
        yield page
        for link in links:
            yield from self._visit(link, response.url, depth)

    def _read(self, response: Response) -> tuple[SeoPage, list[PageLink]]:
        if not isinstance(response, HtmlResponse):
            return SeoPage(url=response.url), []
        if too_deep(response.selector):
            return SeoPage(url=response.url, problems=["Nested too deeply to be read"]), []
        base = response.urljoin("")
        page = describe_page(response.selector, base, response.url)
        return page, page_links(response.selector, base)

    def _visit(self, link: PageLink, found_on: str, depth: int) -> Iterator[Any]:
        key = same_page_key(link.url)
        if len(self.referrers[key]) < MAX_REFERRERS:
            self.referrers[key].append((found_on, link.text))
            if key in self.broken:
                yield self._broken_link(link.url, key, found_on, link.text)
        inside = host_of(link.url) in self.hosts and not link.nofollow
        if inside and depth < self.args.depth:
            if self._first_time(link.url):
                yield self._page_request(link.url)
        elif self.args.check_links and self._first_time(link.url):
            yield self._check_request(link.url, "HEAD")

    def _first_time(self, url: str) -> bool:
        key = same_page_key(url)
        new = key not in self.asked
        self.asked.add(key)
        return new

    def _page_request(self, url: str, *, start: bool = False) -> scrapy.Request:
        return scrapy.Request(
            url,
            self.parse_page,
            errback=self.start_failed if start else self.page_failed,
            cb_kwargs={"asked": url, "start": start},
            meta={"handle_httpstatus_list": ERRORS},
            dont_filter=True,
        )

    def _check_request(self, url: str, method: str) -> scrapy.Request:
        return scrapy.Request(
            url,
            self.parse_check,
            method=method,
            errback=self.page_failed,
            cb_kwargs={"asked": url},
            meta={"handle_httpstatus_list": ERRORS},
            priority=-100,
            dont_filter=True,
        )

    def parse_check(self, response: Response, asked: str) -> Iterator[Any]:
        if response.status < 400:
            return
        # Many servers refuse HEAD alone, so only a whole request tells.
        if response.request is not None and response.request.method == "HEAD":
            yield self._check_request(asked, "GET")
        else:
            yield from self._note_broken(asked, response.status, status_words(response.status))

    def start_failed(self, failure: Failure) -> None:
        url = failure.request.cb_kwargs["asked"]  # type: ignore[attr-defined]  # set by Scrapy
        self.logger.error("%s could not be read: %s", url, failure_words(failure.value))

    def page_failed(self, failure: Failure) -> Iterator[Any]:
        error = failure.value
        if is_left_out(error):
            return
        asked = failure.request.cb_kwargs["asked"]  # type: ignore[attr-defined]  # set by Scrapy
        yield from self._note_broken(asked, None, failure_words(error))

    def _note_broken(self, url: str, status: int | None, reason: str) -> Iterator[BrokenLink]:
        key = same_page_key(url)
        self.broken[key] = (status, reason)
        for found_on, text in self.referrers[key]:
            yield self._broken_link(url, key, found_on, text)

    def _broken_link(self, url: str, key: str, found_on: str, text: str) -> BrokenLink:
        status, reason = self.broken[key]
        return BrokenLink(
            url=url, status=status, reason=reason, found_on=found_on, text=text or None
        )


def _content_type(response: Response) -> str | None:
    header = response.headers.get("Content-Type")
    return header.decode("latin-1").split(";")[0].strip().lower() if header else None

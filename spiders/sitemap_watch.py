from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import Any

import scrapy
from pydantic import Field
from scrapy.http import Response
from scrapy_spider_metadata import Args
from twisted.python.failure import Failure

from spiders.items import SitemapChange, column_titles
from spiders.params import SpiderParams, Url
from spiders.parsing.changes import ListChange, compare_entries
from spiders.parsing.failures import failure_words
from spiders.parsing.feeds import MAX_BYTES, Entry, NotAFeed, parse_listing
from spiders.state import StateFile, finished_well

MAX_FILES = 1000


class SitemapWatchParams(SpiderParams):
    url: Url = Field(
        title="Sitemap or feed",
        description="The address of a sitemap, of an RSS or Atom feed, or of the site's "
        "robots.txt that names its sitemaps.",
        examples=["https://www.example.com/sitemap.xml"],
    )
    only: str = Field(
        default="",
        max_length=200,
        title="Only addresses with",
        description="A part of the address, such as /news/. Leave empty for all.",
    )
    first_run: bool = Field(
        default=True,
        title="List everything the first time",
        description="Off: the first run only remembers what is there.",
    )
    report_gone: bool = Field(
        default=True,
        title="Report what is gone",
        description="Switch it off for feeds that show their newest entries only.",
    )


class SitemapWatchSpider(Args[SitemapWatchParams], scrapy.Spider):
    """Compares a sitemap or feed with the run before."""

    name = "sitemap_watch"
    metadata = {
        "title": "Sitemap and feed watch",
        "description": "Lists what is new, changed or gone in a sitemap or feed since the last "
        "good run.",
        "may_find_nothing": True,
        "gives": ["SitemapChange"],
        "columns": {"SitemapChange": column_titles(SitemapChange)},
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = StateFile(self.name, self.args.url, self.args.only)
        self.entries: dict[str, Entry] = {}
        self.asked: set[str] = set()
        self.waiting = 0
        self.complete = True

    async def start(self) -> AsyncIterator[Any]:
        for request in self._requests([self.args.url]):
            yield request

    def _requests(self, urls: list[str]) -> Iterator[scrapy.Request]:
        for url in urls:
            if url in self.asked:
                continue
            if len(self.asked) >= MAX_FILES:
                self._is_incomplete("There are more than %s sitemaps", MAX_FILES)
                return
            self.asked.add(url)
            self.waiting += 1
            yield scrapy.Request(
                url,
                self.parse_file,
                errback=self.file_failed,
                meta={"download_maxsize": MAX_BYTES},
                dont_filter=True,
            )

    def parse_file(self, response: Response) -> Iterator[Any]:
        self.waiting -= 1
        try:
            listing = parse_listing(response.body, response.url)
        except NotAFeed as error:
            self._is_incomplete("%s", error)
        else:
            self.entries.update(self._wanted(listing.entries))
            yield from self._requests(listing.children)
        yield from self._finish()

    def file_failed(self, failure: Failure) -> Iterator[Any]:
        self.waiting -= 1
        url = failure.request.url  # type: ignore[attr-defined]  # set by Scrapy
        self._is_incomplete("%s could not be read: %s", url, failure_words(failure.value))
        yield from self._finish()

    def _wanted(self, entries: dict[str, Entry]) -> dict[str, Entry]:
        return {key: entry for key, entry in entries.items() if self.args.only in entry.url}

    def _is_incomplete(self, message: str, *details: object) -> None:
        self.complete = False
        self.logger.error(message, *details)

    def _finish(self) -> Iterator[SitemapChange]:
        if self.waiting:
            return
        if not self.entries:
            # An emptied sitemap is far more often a mistake than the end of a site.
            self._is_incomplete("Nothing is listed in %s", self.args.url)
        before = self.state.load()
        if before is None and not self.args.first_run:
            self.logger.info("Remembered %s entries for the next run", len(self.entries))
            return
        complete = self.complete and self.args.report_gone
        for change in compare_entries(before or {}, self.entries, complete=complete):
            yield self._item(change)

    def _item(self, change: ListChange) -> SitemapChange:
        return SitemapChange(
            change=change.change,
            url=change.entry.url,
            title=change.entry.title,
            modified=change.entry.modified,
            modified_before=change.modified_before,
            source=self.args.url,
        )

    def closed(self, reason: str) -> None:
        if not (self.complete and finished_well(self.crawler, reason)):
            self.logger.info("The state of the last good run is kept")
            return
        self.state.save({key: asdict(entry) for key, entry in self.entries.items()})

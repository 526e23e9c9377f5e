from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import scrapy
from parsel import Selector
from pydantic import BeforeValidator, Field
from scrapy.http import HtmlResponse, Response
from scrapy_spider_metadata import Args
from twisted.python.failure import Failure

from spiders.items import PageChange, column_titles
from spiders.params import CssSelector, SpiderParams, UrlList, split_lines
from spiders.parsing.changes import compare_text
from spiders.parsing.failures import failure_words
from spiders.parsing.text import first, too_deep, visible_lines
from spiders.state import StateFile, finished_well

MAX_LINES = 5000


class PageWatchParams(SpiderParams):
    start_urls: UrlList = Field(
        title="Pages to watch",
        description="One address per line.",
        examples=[["https://www.example.com/prices"]],
    )
    selector: CssSelector = Field(
        default="body",
        title="Part of the page",
        description="A CSS selector, such as main or #price. “body” is the whole page.",
    )
    ignore: Annotated[list[CssSelector], BeforeValidator(split_lines)] = Field(
        default=[],
        max_length=50,
        title="Leave out",
        description="CSS selectors of what changes all the time, such as .clock or .ad. "
        "One per line.",
    )


class PageWatchSpider(Args[PageWatchParams], scrapy.Spider):
    """Tells when the text of a page changed, and how."""

    name = "page_watch"
    metadata = {
        "title": "Page watch",
        "description": "Watches a part of a page and gives an item only when its text changed "
        "since the last good run, with the difference. The first run only remembers.",
        "may_find_nothing": True,
        "gives": ["PageChange"],
        "columns": {"PageChange": column_titles(PageChange)},
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.start_urls = list(dict.fromkeys(self.args.start_urls))
        self.seen: dict[str, list[str]] = {}

    async def start(self) -> AsyncIterator[Any]:
        for url in self.start_urls:
            yield scrapy.Request(
                url,
                self.parse_page,
                errback=self.page_failed,
                cb_kwargs={"asked": url},
                dont_filter=True,
            )

    def parse_page(self, response: Response, asked: str) -> Iterator[PageChange]:
        lines = self._watched_lines(response)
        if lines is None:
            return
        self.seen[asked] = lines
        before = self._state(asked).load()
        if before is None:
            self.logger.info("Remembered %s lines of %s for the next run", len(lines), asked)
            return
        change = compare_text(before["lines"], lines)
        if change is None:
            self.logger.info("Unchanged: %s", asked)
            return
        yield PageChange(
            url=asked,
            title=first([response.css("title::text").get()]),
            selector=self.args.selector,
            previous_check=before.get("checked_at"),
            **change._asdict(),
        )

    def _watched_lines(self, response: Response) -> list[str] | None:
        if not isinstance(response, HtmlResponse) or too_deep(response.selector):
            self.logger.error("%s is not a page that can be watched", response.url)
            return None
        page = response.selector
        for css in self.args.ignore:
            page.css(css).drop()
        parts: list[Selector] = list(page.css(self.args.selector))
        if not parts:
            self.logger.error("Nothing on %s matches %r", response.url, self.args.selector)
            return None
        return [line for part in parts for line in visible_lines(part)][:MAX_LINES]

    def page_failed(self, failure: Failure) -> None:
        url = failure.request.cb_kwargs["asked"]  # type: ignore[attr-defined]  # set by Scrapy
        self.logger.error("%s could not be read: %s", url, failure_words(failure.value))

    def _state(self, url: str) -> StateFile:
        return StateFile(self.name, url, self.args.selector, *self.args.ignore)

    def closed(self, reason: str) -> None:
        if not finished_well(self.crawler, reason):
            self.logger.info("What the last good run remembered is kept")
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for url, lines in self.seen.items():
            self._state(url).save({"lines": lines, "checked_at": now})

from __future__ import annotations

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest


class PageLimitMiddleware:
    """Lets at most `max_pages` requests of a spider that declares it reach the network."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.started = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PageLimitMiddleware:
        return cls(crawler)

    @property
    def limit(self) -> int | None:
        limit = getattr(getattr(self.crawler.spider, "args", None), "max_pages", None)
        return limit if isinstance(limit, int) else None

    def process_request(self, request: Request) -> None:
        limit = self.limit
        if limit is None or request.url.endswith("/robots.txt"):
            return
        if self.started >= limit:
            self.crawler.stats.inc_value("page_limit/skipped")
            raise IgnoreRequest(f"The limit of {limit} pages is reached")
        self.started += 1

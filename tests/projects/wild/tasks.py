from __future__ import annotations

import asyncio
import os
import signal

from scrapy.utils.asyncio import sleep


class Stamp:
    def process_item(self, item):
        return {**item, "stamp": "wild"}


class OfCrawler:
    def __init__(self, crawler):
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler)


class WriteAtTheEnd(OfCrawler):
    """Passes on what it was given when all is there, and can't."""

    def process_item(self, item):
        return item

    def close_spider(self):
        if self.crawler.spider.what == "pipeline":
            raise ConnectionError("the warehouse is closed")


class Break(OfCrawler):
    """Fails on each so many-th item."""

    def process_item(self, item):
        if item["number"] % self.crawler.spider.every == 0:
            raise ValueError("no such currency")
        return item


class TellWhileItOpens(OfCrawler):
    async def open_spider(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(50):  # turns of the loop, in which the signal arrives
            await asyncio.sleep(0)

    def process_item(self, item):
        return item


class TellAndWait(OfCrawler):
    """With an item that asks for it. What was opened is said to be closed."""

    async def process_item(self, item):
        if item.get("waits"):
            os.kill(os.getpid(), signal.SIGTERM)
            await sleep(self.crawler.spider.seconds)
        return item

    async def close_spider(self):
        spider = self.crawler.spider
        spider.is_closing = True
        while not spider.has_come:
            await sleep(0.01)
        spider.logger.info("the pipeline is closed")


class TellWithAnItem(OfCrawler):
    """Is done with its item only when the spider closes."""

    async def process_item(self, item):
        os.kill(os.getpid(), signal.SIGTERM)
        while self.crawler.engine.scraper.slot.closing is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return item

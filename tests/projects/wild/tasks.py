from __future__ import annotations


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

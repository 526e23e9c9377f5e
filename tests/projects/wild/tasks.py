from __future__ import annotations


class Stamp:
    def process_item(self, item):
        return {**item, "stamp": "wild"}


class WriteAtTheEnd:
    """Passes on what it was given when all is there, and can't."""

    def __init__(self, crawler):
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler)

    def process_item(self, item):
        return item

    def close_spider(self):
        if self.crawler.spider.what == "pipeline":
            raise ConnectionError("the warehouse is closed")


class Break:
    """Fails on each so many-th item."""

    def __init__(self, crawler):
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler)

    def process_item(self, item):
        if item["number"] % self.crawler.spider.every == 0:
            raise ValueError("no such currency")
        return item

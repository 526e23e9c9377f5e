"""Are told to end at a certain moment: the signal comes from within."""

from __future__ import annotations

import os
import signal

import scrapy
from scrapy import signals
from scrapy.utils.asyncio import sleep


def tell():
    os.kill(os.getpid(), signal.SIGTERM)


class ToldWhileItReads(scrapy.Spider):
    """When its first page is on its way; more wait behind it."""

    name = "told_while_it_reads"

    def __init__(self, url: str, more: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.url = url
        self.more = int(more)

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.on_its_way, signals.request_reached_downloader)
        return spider

    def on_its_way(self, request):
        if request.meta.get("first"):
            tell()

    async def start(self):
        yield scrapy.Request(self.url, meta={"first": True}, dont_filter=True)
        for _ in range(self.more):
            yield scrapy.Request(self.url, dont_filter=True)
        self.logger.info("all was read of start()")


class ToldByAPage(scrapy.Spider):
    """When its first page was read; the next one waits for its turn. The callback may want one."""

    name = "told_by_a_page"

    def __init__(self, url: str, wanted: str = "", **kwargs):
        super().__init__(**kwargs)
        self.url = url
        self.wanted = wanted

    async def start(self):
        yield scrapy.Request(self.url)
        yield scrapy.Request(self.url + "/next")

    async def parse(self, response):
        tell()
        yield {"url": response.url}
        if self.wanted:
            await self.crawler.engine.download_async(scrapy.Request(self.wanted))


class ToldByAPipeline(scrapy.Spider):
    name = "told_by_a_pipeline"

    async def start(self):
        yield {"number": 1}


class ToldByACallback(scrapy.Spider):
    """When a callback of it has begun to wait for something that doesn't come."""

    name = "told_by_a_callback"

    def __init__(self, url: str, how: str, seconds: float = 600, **kwargs):
        super().__init__(**kwargs)
        self.url = url
        self.how = how
        self.seconds = float(seconds)
        self.is_closing = False
        self.has_come = how != "comes_late"

    async def start(self):
        yield scrapy.Request(self.url, getattr(self, self.how))

    async def yields(self, response):
        yield {"number": 1}
        tell()
        await sleep(self.seconds)
        yield {"number": 2}
        yield scrapy.Request(self.url + "/late")

    async def returns(self, response):
        tell()
        await sleep(self.seconds)
        return [{"number": 1}]

    async def comes_late(self, response):
        """When the pipelines are being closed; they wait for it."""
        yield {"number": 1}
        tell()
        while not self.is_closing:
            await sleep(0.01)
        yield {"number": 2}
        yield scrapy.Request(self.url + "/late")
        self.has_come = True

    def leaves_it_to_a_pipeline(self, response):
        yield {"number": 1}
        yield {"number": 2, "waits": True}

"""Spiders that say when they were opened, in a file that the benchmark reads."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.http import Response


class Tiny(scrapy.Spider):
    name = "tiny"

    def __init__(self, tag: str = "", record: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tag, self.record = tag, record

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Tiny:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.opened, signals.spider_opened)
        return spider

    def opened(self) -> None:
        if self.record:
            with Path(self.record).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"tag": self.tag, "at": time.time()}) + "\n")

    async def start(self) -> AsyncIterator[Any]:
        yield {"tag": self.tag}


class Hold(Tiny):
    name = "hold"

    def __init__(self, seconds: str = "600", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = float(seconds)

    async def start(self) -> AsyncIterator[Any]:
        yield {"tag": self.tag}
        await asyncio.sleep(self.seconds)


class Busy(Tiny):
    """Reads the same pages again and again, as fast as they come."""

    name = "busy"
    custom_settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": 16}

    def __init__(self, url: str = "", pages: str = "100", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url, self.pages = url, int(pages)

    async def start(self) -> AsyncIterator[Any]:
        for number in range(self.pages):
            yield scrapy.Request(f"{self.url}/{number}")

    def parse(self, response: Response) -> Any:
        yield {"url": response.url, "title": response.css("title::text").get()}

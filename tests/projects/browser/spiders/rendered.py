from __future__ import annotations

import asyncio

import scrapy
from scrapy_playwright.page import PageMethod


class Rendered(scrapy.Spider):
    """What a browser shows after the page's own script has run."""

    name = "rendered"

    def __init__(self, url: str = "", then: float = 0, **kwargs):
        super().__init__(**kwargs)
        self.url = url
        self.then = float(then)

    async def start(self):
        methods = [PageMethod("wait_for_selector", "#done", state="attached")]
        yield scrapy.Request(
            self.url, meta={"playwright": True, "playwright_page_methods": methods}
        )

    async def parse(self, response):
        yield {"seen": response.css("#seen::text").get()}
        await asyncio.sleep(self.then)

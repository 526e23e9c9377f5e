from __future__ import annotations

import os
import random

import scrapy


class Pages(scrapy.Spider):
    """Reads pages and yields one item for each."""

    name = "pages"
    allowed_domains = ["127.0.0.1"]

    def __init__(self, start_urls: str = "", count: int = 1, api_token: str = "", **kwargs):
        super().__init__(**kwargs)
        self.start_urls = start_urls.split()
        self.count = int(count)

    def parse(self, response):
        for number in range(self.count):
            yield {"url": response.url, "number": number, "price": 1.5, "name": "Schön ☂"}


class Follows(Pages):
    """Goes on to every page that a page leads to."""

    name = "follows"

    def parse(self, response):
        yield from super().parse(response)
        yield from response.follow_all(css="a")


class Echo(scrapy.Spider):
    """Yields what it can see of itself, without reading a page."""

    name = "echo"
    custom_settings = {"DOWNLOAD_DELAY": 3, "LOG_LEVEL": "INFO"}

    def __init__(self, words=None, **kwargs):
        super().__init__(**kwargs)
        self.words = words

    async def start(self):
        yield {
            "words": self.words,
            "delay": self.settings.getfloat("DOWNLOAD_DELAY"),
            "telnet": self.settings.getbool("TELNETCONSOLE_ENABLED"),
            "remote": self.settings.getbool("REMOTE_CONTROL_ENABLED"),
            "random": random.random(),
            "pid": os.getpid(),
            "group": os.getpgrp(),
            "environment": dict(os.environ),
        }


class Declared(scrapy.Spider):
    name = "infinite_number"

    async def start(self):
        yield {"value": float("nan"), "other": float("inf"), "bytes": b"\xff", "nested": {1, 2}}

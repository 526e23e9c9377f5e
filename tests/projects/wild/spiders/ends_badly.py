from __future__ import annotations

import os
import signal

import scrapy


class Base(scrapy.Spider):
    def __init__(self, start_urls: str = "", **kwargs):
        super().__init__(**kwargs)
        self.start_urls = start_urls.split()


class RaisesInCallback(Base):
    name = "raises_in_callback"

    def parse(self, response):
        raise KeyError("price")


class RaisesInStart(scrapy.Spider):
    name = "raises_in_start"

    async def start(self):
        raise ValueError("no start today")
        yield


class RaisesInInit(scrapy.Spider):
    name = "raises_in_init"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        raise ValueError("bad argument")


class YieldsNothing(Base):
    name = "yields_nothing"

    def parse(self, response):
        return


class OldStart(scrapy.Spider):
    name = "old_start"

    def start_requests(self):
        yield scrapy.Request("http://127.0.0.1/")


class KillsItself(scrapy.Spider):
    name = "kills_itself"

    def __init__(self, number: int = 9, **kwargs):
        super().__init__(**kwargs)
        self.number = int(number)

    async def start(self):
        os.kill(os.getpid(), self.number)
        yield {"never": True}


class Exits(scrapy.Spider):
    name = "exits"

    async def start(self):
        os._exit(7)
        yield


class Segfaults(scrapy.Spider):
    name = "segfaults"

    async def start(self):
        os.kill(os.getpid(), signal.SIGSEGV)
        yield

from __future__ import annotations

import os
import signal

import scrapy
from pydantic import BaseModel
from scrapy.exceptions import CloseSpider
from scrapy_spider_metadata import Args


class Base(scrapy.Spider):
    def __init__(self, start_urls: str = "", **kwargs):
        super().__init__(**kwargs)
        self.start_urls = start_urls.split()


class RaisesInCallback(Base):
    name = "raises_in_callback"

    def __init__(self, items: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.items = int(items)

    def parse(self, response):
        yield from ({"number": number} for number in range(self.items))
        raise KeyError("price")


class BreaksItems(scrapy.Spider):
    name = "breaks_items"
    custom_settings = {"ITEM_PIPELINES": {"tasks.Break": 100}}

    def __init__(self, every: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.every = int(every)

    async def start(self):
        for number in range(4):
            yield {"number": number}


class FailsAtItsEnd(scrapy.Spider):
    name = "fails_at_its_end"
    custom_settings = {"ITEM_PIPELINES": {"tasks.WriteAtTheEnd": 100}}

    def __init__(self, what: str = "", **kwargs):
        super().__init__(**kwargs)
        self.what = what

    async def start(self):
        yield {"number": 1}

    def closed(self, reason):
        if self.what == "spider":
            raise ConnectionError("the warehouse is closed")


class WantsAnotherReactor(scrapy.Spider):
    name = "wants_another_reactor"
    custom_settings = {"TWISTED_REACTOR_ENABLED": False}


class WantsAnAddress(scrapy.Spider):
    name = "wants_an_address"

    def __init__(self, address, **kwargs):
        super().__init__(**kwargs)


class Declared(BaseModel):
    pages: int = 1


class Declares(Args[Declared], scrapy.Spider):
    name = "declares"


class GivesUp(scrapy.Spider):
    name = "gives_up"

    async def start(self):
        yield {"number": 1}
        raise CloseSpider("nothing new since yesterday")


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


class TellsWhatChanged(YieldsNothing):
    name = "tells_what_changed"
    metadata = {"may_find_nothing": True}


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

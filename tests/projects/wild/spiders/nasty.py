"""What a spider may put into its statistics, messages and items, and no table takes."""

from __future__ import annotations

import asyncio

import scrapy
from scrapy.exceptions import CloseSpider

FOREIGN = "half \ud83d of a pair, \x00, and whole: \U0001f600"


class Nasty(scrapy.Spider):
    """Spoils its figures, waits for a moment, and ends in one way or another."""

    name = "nasty"

    def __init__(self, how="closes", seconds=0, **kwargs):
        super().__init__(**kwargs)
        self.how, self.seconds = how, float(seconds)

    async def start(self):
        yield {"text": FOREIGN, ("a", 1): {("b", 2): float("nan")}}
        self._spoil()
        await asyncio.sleep(self.seconds)
        if self.how == "closes":
            raise CloseSpider(FOREIGN)
        raise ValueError(FOREIGN)

    def _spoil(self):
        values = {
            FOREIGN: FOREIGN, "share": float("nan"), "nested": {("a", 1): [float("inf"), b"x"]},
            "huge": 10**400, "log_count/ERROR": float("inf"), "log_count/CRITICAL": "many",
            "response_received_count": 10**30, "downloader/response_bytes": None,
            "retry/max_reached": "x",
        }  # fmt: skip
        for name, value in values.items():
            self.crawler.stats.set_value(name, value)


class Talks(scrapy.Spider):
    """Says its password wherever it can."""

    name = "talks"

    def __init__(self, password="", **kwargs):
        super().__init__(**kwargs)
        self.password = password

    async def start(self):
        print(f"printed {self.password}", flush=True)
        self.logger.warning("logged %s", self.password)
        yield {"number": 1}
        raise ValueError(f"no login with {self.password}")

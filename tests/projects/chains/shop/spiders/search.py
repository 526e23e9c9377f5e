from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import scrapy


class Search(scrapy.Spider):
    """Gives one result and goes on for ever."""

    name = "search"

    async def start(self) -> AsyncIterator[Any]:
        yield {"url": "https://shop.example/lamp"}
        await asyncio.sleep(600)

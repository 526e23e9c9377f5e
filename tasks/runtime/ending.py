"""Lets a crawl that is told to end do so soon, and tidily: its pipelines closed, its feeds stored.

Scrapy finishes each request that it took up, however long it waits: for its turn behind a delay, or
for a site that is silent. Whoever stops a run doesn't wait as long; a second TERM then ends it with
nothing closed (Scrapy's issue 4749 asks for what is done here)."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.core.downloader import Downloader
from scrapy.exceptions import CloseSpider, IgnoreRequest
from scrapy.utils.asyncio import call_later, sleep
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import CancelledError, Deferred

if TYPE_CHECKING:
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

# For pages that are on their way. What is left of the grace period belongs to pipelines and feeds.
PATIENCE = 3.0
BREATH = 0.05


class Stopped(IgnoreRequest, CloseSpider):
    """Both, as Scrapy takes neither for an error: the one of a page that is not read, the other in
    a callback that waits for one."""


class Ending:
    def __init__(self, crawler: Any) -> None:
        self._crawler = crawler
        self._stop = crawler.stop_async
        self._is_asked = False
        self._started: Deferred[None] = Deferred()
        self._under_way: set[Deferred[Any]] = set()
        self._being_read: set[Deferred[Any]] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        ending = cls(crawler)
        crawler.signals.connect(ending.spider_opened, signals.spider_opened)
        vars(crawler)["stop_async"] = ending.stop
        return ending

    def spider_opened(self) -> None:
        engine = self._crawler.engine
        # A project may have a downloader of its own.
        if isinstance(engine.downloader, Downloader):
            self._watch_downloads(engine.downloader)
        look_again(engine.scraper)
        self._watch_callbacks(engine.scraper)
        engine._start = self._breathe(engine._start)

    async def stop(self) -> None:
        """Scrapy calls it when it is told to end, and when its spider has closed."""
        if self._is_asked:
            return
        self._is_asked = True
        engine = self._crawler._engine
        if engine is not None and engine.spider is not None:
            if not engine.running:
                await self._until_started()
            if isinstance(engine.downloader, Downloader):
                # First the spider has to be closing: what is given up here runs its code.
                call_later(0, self._hurry, engine.downloader)
            call_later(2 * PATIENCE, self._leave_behind, engine)
        await self._stop()

    async def _until_started(self) -> None:
        """A crawl that is still opening its pipelines takes no notice of a stop: with a reactor it
        is left as it is, without one it goes on as if nobody had said anything."""
        call_later(PATIENCE, self._go_on)
        await maybe_deferred_to_future(self._started)

    def _go_on(self) -> None:
        if not self._started.called:
            self._started.callback(None)

    def _watch_downloads(self, downloader: Any) -> None:
        downloader._wait_for_download = _watched(downloader._wait_for_download, self._under_way)

    def _watch_callbacks(self, scraper: Any) -> None:
        scraper._wait_for_processing = _watched(scraper._wait_for_processing, self._being_read)

    async def _breathe(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Scrapy reads start() without a pause while enough requests are under way, and on while it
        closes. Where it is long, nobody would hear a signal meanwhile, or write the progress."""
        if self._is_asked:
            call_later(0, self._go_on)
            await self._pause(PATIENCE)
            return
        rested = time.monotonic()
        async for each in start:
            yield each
            if time.monotonic() - rested > BREATH:
                await self._pause(0)
                rested = time.monotonic()
            if self._is_closing():
                return

    async def _pause(self, seconds: float) -> None:
        # Without asyncio a crawl that ends tells it by an error, which would count as the spider's.
        with suppress(CancelledError):
            await sleep(seconds)

    def _is_closing(self) -> bool:
        slot = self._crawler.engine._slot
        return slot is None or slot.closing is not None

    def _hurry(self, downloader: Any) -> None:
        downloader._process_queue = self._drop
        for slot in downloader.slots.values():
            self._drop(slot)
        call_later(PATIENCE, self._give_up)

    def _drop(self, slot: Slot) -> None:
        """What waits for its turn was never sent."""
        while slot.queue:
            _request, answer = slot.queue.popleft()
            self._refuse(answer)

    def _give_up(self) -> None:
        if self._under_way:
            logger.info("Stopping without the answers to %s requests", len(self._under_way))
        for answer in list(self._under_way):
            self._refuse(answer)

    def _leave_behind(self, engine: Any) -> None:
        """Callbacks and pipelines that wait on their own are not waited for. What they come up with
        from here on comes too late: what would take it is closed."""
        scraper = engine.scraper
        if scraper.slot is None or scraper.slot.is_idle():
            return
        logger.info("Stopping without waiting for callbacks and pipelines any longer")
        vars(engine)["crawl"] = lambda request: None
        scraper.start_itemproc_async = _too_late
        scraper.slot.is_idle = lambda: True
        for done in list(self._being_read):
            if not done.called:
                done.callback(None)
        scraper._check_if_closing()

    def _refuse(self, answer: Deferred[Any]) -> None:
        if not answer.called:
            answer.errback(Stopped("shutdown"))


def _watched(process: Callable[..., Awaitable[None]], waiting: set[Deferred[Any]]) -> Any:
    """Of Scrapy's own that answers by the last of its arguments. Somebody else may answer first."""

    async def watched(one: Any, other: Any, answer: Deferred[Any]) -> None:
        own: Deferred[Any] = Deferred()
        own.addBoth(lambda result: None if answer.called else answer.callback(result))
        waiting.add(answer)
        try:
            await process(one, other, own)
        finally:
            waiting.discard(answer)

    return watched


async def _too_late(item: Any, *, response: Any) -> None:
    logger.info("An item came too late and was not stored")


def look_again(scraper: Any) -> None:
    """Of an item that start() yields, Scrapy 2.19 doesn't notice that it was the last one that a
    closing spider waited for, and waits for ever: also at the end of CLOSESPIDER_ITEMCOUNT."""
    process, check = scraper.start_itemproc_async, scraper._check_if_closing

    def check_once() -> None:
        if scraper.slot.closing is None or not scraper.slot.closing.called:
            check()

    async def process_and_look(item: Any, *, response: Any) -> None:
        try:
            await process(item, response=response)
        finally:
            scraper._check_if_closing()

    scraper._check_if_closing = check_once
    scraper.start_itemproc_async = process_and_look

"""The Scrapy extension that tells the supervisor how a crawl goes, through files alone: a write to
the database here could hold up the whole crawl behind a lock."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING, Any, cast

from scrapy import signals
from scrapy.extensions.feedexport import FeedExporter
from scrapy.utils.asyncio import create_looping_call

from .context import SETTING, RunContext
from .failing_page import FailingPage
from .files import Json, count_of, write_json, write_last_words
from .items import ItemWriter, plain_stats
from .logcut import cut_log
from .logloss import lost_lines
from .machine import PROC, resident_kb
from .redact import redact
from .walls import Walls

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

FEED_EXPORTER = "scrapy.extensions.feedexport.FeedExporter"
FEED_LOGGER = "scrapy.extensions.feedexport"
INTERVAL = 1.0
MAX_MESSAGE = 500
NICENESS = 10


class ErrorNotes(logging.Handler):
    """Remembers the first and the last error line for the outcome's sentence."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first: Json | None = None
        self.last: Json | None = None
        self.feeds = 0
        self.feed = ""
        self.closing = 0

    def emit(self, record: logging.LogRecord) -> None:
        self._count_what_statistics_leave_out(record)
        kind = record.exc_info[0] if record.exc_info else None
        cause = record.exc_info[1] if record.exc_info else None
        self.last = {
            "at": record.created,
            "message": record.getMessage()[:MAX_MESSAGE],
            "exception": kind.__name__ if kind else "",
            "cause": str(cause)[:MAX_MESSAGE] if cause else "",
        }
        self.first = self.first or self.last
        if record.name == FEED_LOGGER or "FeedExporter" in _handler_in(record):
            # An address in it may have a password.
            self.feed = redact(self.last["cause"] or self.last["message"])

    def _count_what_statistics_leave_out(self, record: logging.LogRecord) -> None:
        """A feed that cannot even be opened; a pipeline or a spider that fails while it closes."""
        handler = _handler_in(record)
        if "FeedExporter" in handler:
            self.feeds += 1
        elif "close" in handler or record.getMessage() == "Scraper close failure":
            self.closing += 1


def _handler_in(record: logging.LogRecord) -> str:
    """Of a signal, that failed."""
    return str(record.args) if record.name == "scrapy.utils.signal" else ""


class RunExtension:
    def __init__(self, crawler: Crawler, context: RunContext) -> None:
        self.crawler = crawler
        self.context = context
        self.stage = "opening"
        self.is_done = False
        self.is_cut_short = False
        self.url = ""
        self.last_activity = time.time()
        self.items_broken = 0
        self.errors = ErrorNotes()
        self.walls = Walls()
        self.page = FailingPage(context.folder, context.order)
        limit = context.order.limits.items_bytes
        self.items = ItemWriter(context.folder / "items.jsonl", limit)
        self._ticker = create_looping_call(self.tick)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RunExtension:
        extension = cls(crawler, cast("RunContext", crawler.settings[SETTING]))
        logging.root.addHandler(extension.errors)
        connect = crawler.signals.connect
        connect(extension.spider_opened, signals.spider_opened)
        connect(extension.response_received, signals.response_received)
        connect(extension.spider_error, signals.spider_error)
        connect(extension.item_scraped, signals.item_scraped)
        connect(extension.item_error, signals.item_error)
        connect(extension.spider_closed, signals.spider_closed)
        connect(extension.engine_stopped, signals.engine_stopped)
        return extension

    def spider_opened(self) -> None:
        self.stage = "reading"
        self._look_for_feeds()
        give_way()
        self._ticker.start(INTERVAL, now=True)

    def response_received(self, response: Response) -> None:
        self.url = response.url
        self.last_activity = time.time()
        self.page.look(response, "" if self.items.stored else self.walls.look(response))

    def spider_error(self, failure: Any, response: Response | None) -> None:
        if response is not None:  # start() has none
            self.page.keep("callback", response, str(failure.value))

    def item_scraped(self, item: Any) -> None:
        self.last_activity = time.time()
        self.items.add(item)

    def item_error(self) -> None:
        """A pipeline failed on it: it is stored nowhere."""
        self.items_broken += 1

    def _look_for_feeds(self) -> None:
        """Scrapy leaves out what stores them, and goes on, where one can't even be set up: a
        package of its storage is missing, or its format is unknown."""
        feeds, settings = self.crawler.settings["FEEDS"], self.crawler.settings
        parts = self.crawler.extensions.middlewares
        is_wanted = settings.getwithbase("EXTENSIONS").get(FEED_EXPORTER) is not None
        if feeds and is_wanted and not any(isinstance(part, FeedExporter) for part in parts):
            self.errors.feeds += len(feeds)
            logging.getLogger(__name__).error("The items cannot be sent to: %s", ", ".join(feeds))

    def spider_closed(self, reason: str) -> None:
        self.stage = "closing"
        if self._ticker.running:
            self._ticker.stop()
        if not self.items.stored:
            self.page.without_items()
        if self.crawler.settings["FEEDS"]:
            # Storing feeds may take long, and this process may be killed meanwhile.
            self.tick()
            write_outcome(self.context, self, final=False, finish_reason=reason)

    def engine_stopped(self) -> None:
        self.items.flush()
        # Told to end while it stores its feeds, Scrapy doesn't wait for them, and still calls the
        # crawl finished.
        self.is_cut_short = self.crawler.engine.spider is not None
        if not self.is_cut_short:
            write_outcome(self.context, self, final=True)
            self.is_done = True

    def tick(self) -> None:
        self.items.flush()
        try:
            figures = self.context.without_secrets(self.figures())
            write_json(self.context.folder / "progress.json", figures)
            cut_log(self.context.folder, self.context.order.limits.log_bytes)
        except OSError as error:
            # A full disk must not end the crawl; the supervisor sees that the figures stand still.
            logging.getLogger(__name__).warning("Could not save the progress: %s", error)

    def figures(self) -> Json:
        stats = self.crawler.stats.get_stats()
        return {
            "at": time.time(),
            "active_at": self.last_activity,
            "stage": self.stage,
            "items": total(stats, "item_scraped_count"),
            "pages": total(stats, "response_received_count"),
            "errors": total(stats, "log_count/ERROR", "log_count/CRITICAL"),
            # Given up: after the last try, or answered with an error.
            "failed_pages": total(stats, "retry/max_reached", "httperror/response_ignored_count"),
            "bytes": total(stats, "downloader/response_bytes"),
            "pending": self._pending(),
            "memory_kb": resident_kb(),
            "url": self.url[:2000],
            "items_lost": self.items.lost,
        }

    def _pending(self) -> int:
        slot = self.crawler.engine._slot
        if slot is None:
            return 0
        return len(cast("Any", slot.scheduler)) + len(slot.inprogress)


def total(stats: dict[str, Any], *names: str) -> int:
    return sum(count_of(stats.get(name)) for name in names)


def give_way() -> None:
    """A crawl that is under way leaves the processor to runs that start and to the pages. Where
    the kernel groups processes by session (sched(7), autogroup), only the group's value counts."""
    with contextlib.suppress(OSError):
        os.nice(max(0, NICENESS - os.nice(0)))
    with contextlib.suppress(OSError):
        (PROC / "self/autogroup").write_text(str(NICENESS), encoding="ascii")


def write_outcome(
    context: RunContext,
    extension: RunExtension | None,
    *,
    final: bool,
    finish_reason: str | None = None,
) -> None:
    outcome: Json = {
        "final": final,
        "finish_reason": finish_reason,
        "bootstrap_error": context.bootstrap_error,
        "refused": context.refused,
        "versions": context.versions,
        "start_requests": context.start_requests,
        "may_find_nothing": context.may_find_nothing,
        "log_lost": lost_lines(),
        "stats": {},
    }
    if extension is not None:
        stats = extension.crawler.stats.get_stats()
        outcome["stats"] = plain_stats(stats)
        own_reason = "shutdown" if extension.is_cut_short else stats.get("finish_reason")
        outcome["finish_reason"] = finish_reason or own_reason
        outcome["items_stored"] = extension.items.stored
        outcome["items_lost"] = extension.items.lost
        outcome["items_broken"] = extension.items_broken
        outcome["items_error"] = extension.items.error
        outcome["items_error_code"] = extension.items.error_code
        outcome["wall"] = extension.walls.found()
        outcome["feed_errors"] = extension.errors.feeds
        outcome["feed_message"] = extension.errors.feed
        outcome["closing_errors"] = extension.errors.closing
        outcome["first_error"] = extension.errors.first
        outcome["last_error"] = extension.errors.last
    write_last_words(context.folder / "outcome.json", context.without_secrets(outcome))

"""Puts the address check into download handlers that don't connect through the reactor, whoever
chose them: the project, a spider, an add-on. Not used otherwise."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, cast

from scrapy.exceptions import NotConfigured
from scrapy.utils.misc import load_object

from .context import SETTING, RunContext

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

# Class of a handler → our module that knows how to guard it. Subclasses are guarded alike.
GUARDS = {
    "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler": "guard_aiohttp",
    "scrapy.core.downloader.handlers._httpx.HttpxDownloadHandler": "guard_httpx",
    "scrapy_playwright.handler.ScrapyPlaywrightDownloadHandler": "guard_browser",
}
Prepare = Callable[[Any, RunContext], None]


class HandlerGuard:
    """An extension, since these are made before the download handlers, from the final settings."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        context = cast("RunContext", crawler.settings[SETTING])
        for handler in _handlers(crawler.settings):
            for module in _guards_of(handler):
                _prepare_each(handler, import_module(f"{__package__}.{module}").guard, context)
        raise NotConfigured


def _handlers(settings: BaseSettings) -> set[type]:
    found = set()
    for path in filter(None, settings.getwithbase("DOWNLOAD_HANDLERS").values()):
        try:
            handler = load_object(path)
        except Exception:  # noqa: BLE001, S112 - Scrapy tells it where the handler is needed
            continue
        if isinstance(handler, type):
            found.add(handler)
    return found


def _guards_of(handler: type) -> list[str]:
    names = [f"{each.__module__}.{each.__qualname__}" for each in handler.__mro__]
    return [GUARDS[name] for name in names if name in GUARDS]


def _prepare_each(handler: type, prepare: Prepare, context: RunContext) -> None:
    make = handler.__init__  # type: ignore[misc]

    def make_guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        prepare(self, context)

    handler.__init__ = make_guarded  # type: ignore[misc]

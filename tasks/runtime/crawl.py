from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import scrapy.crawler
import scrapy.utils.log
from scrapy.crawler import AsyncCrawlerProcess, CrawlerProcess
from scrapy.settings import BaseSettings

from .context import SETTING, RunContext
from .ending import Ending
from .extension import RunExtension, write_outcome
from .guard import AddressGuard, guard_reactor
from .guard_handlers import HandlerGuard
from .lookups import look_up_apart
from .plainlog import speak_plainly
from .project import (
    PRESETS_SETTING,
    Project,
    error_of_spider,
    metadata_of,
    relies_on_start_requests,
)

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import Settings

    from .order import Order

logger = logging.getLogger(__name__)

ASYNCIO_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
AIOHTTP_HANDLER = "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"
# Both execute code that is sent to them; the second one is on by default and slow to import.
REMOTE_DOORS = (
    "scrapy.extensions.telnet.TelnetConsole",
    "scrapy.extensions.remote_control.RemoteControl",
)
FORCED = {
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "LOG_FILE": None,
    "LOG_STDOUT": False,
    "LOG_COLOR": False,
    "LOG_ENABLED": True,
    "LOG_FORMAT": "%(asctime)s [%(name)s] %(levelname)s: %(message)s",
    "LOG_DATEFORMAT": "%Y-%m-%d %H:%M:%S",
    "JOBDIR": None,
}


class BadOrder(ValueError):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def crawl(context: RunContext, project: Project) -> int:
    try:
        process, crawler = _prepare(context, project)
        started = process.crawl(crawler, **context.order.arguments)
    except BadOrder as error:
        return refuse(context, error.reason, error, str(error))
    except Exception as error:  # noqa: BLE001 - project code may raise anything
        return refuse(context, type(error).__name__, error, traceback.format_exc())
    failure = _Failure(started)
    _guard(context, project.settings)
    process.start()
    failed = failure.found()
    if failed is not None:
        context.bootstrap_error = _describe(type(failed).__name__, failed)
        logger.error("The spider could not start", exc_info=failed)
    extension = _extension(crawler)
    if extension is None or not extension.is_done or failed is not None:
        # Ended by force, or before it began: the extension had no chance to say so.
        write_outcome(context, extension, final=True)
    return 1 if process.bootstrap_failed else 0


def _prepare(
    context: RunContext, project: Project
) -> tuple[AsyncCrawlerProcess | CrawlerProcess, Crawler]:
    spider = _spider_class(context, project)
    context.start_requests = relies_on_start_requests(spider)
    context.may_find_nothing = metadata_of(spider).get("may_find_nothing") is True
    settings = project.settings
    if not project.is_warm:
        set_bases(settings)
    apply_settings(context, settings, spider)
    is_async = not settings.getbool("TWISTED_REACTOR_ENABLED") or (
        settings["TWISTED_REACTOR"] == ASYNCIO_REACTOR
        and not settings.getbool("FORCE_CRAWLER_PROCESS")
    )
    with _as_loaded(project):
        process = (AsyncCrawlerProcess if is_async else CrawlerProcess)(settings)
        return process, process.create_crawler(spider)


@contextmanager
def _as_loaded(project: Project) -> Iterator[None]:
    """This process runs one crawl: the loaded spiders and settings are used as they are. Scrapy
    would load the spiders again (and stop at the first that doesn't import), copy the settings
    twice and set up the loggers again, which takes a third of a start."""
    settings, crawler, log = project.settings, vars(scrapy.crawler), vars(scrapy.utils.log)
    load, configure = crawler["get_spider_loader"], log["dictConfig"]
    crawler["get_spider_loader"] = lambda _settings: project.loader
    if project.is_warm:
        log["dictConfig"] = lambda _config: None
    vars(settings)["copy"] = lambda: settings
    try:
        yield
    finally:
        crawler["get_spider_loader"], log["dictConfig"] = load, configure
        del vars(settings)["copy"]


def _spider_class(context: RunContext, project: Project) -> type[Spider]:
    name = context.order.spider
    try:
        return project.loader.load(name)
    except KeyError:
        broken = error_of_spider(project, name)
    if broken:
        raise BadOrder("spider_import", broken)
    raise BadOrder("spider_missing", f"There is no spider named {name!r} in this project.")


def apply_settings(context: RunContext, settings: Settings, spider: type[Spider]) -> None:
    """Presets first, the task's own after them, what must not be changed last."""
    order = context.order
    if order.preset:
        settings.setdict(_preset(order.preset, settings), priority="cmdline")
    settings.setdict(order.cache_settings, priority="cmdline")
    if order.cache_settings.get("HTTPCACHE_ENABLED"):
        _choose_storage(order, settings)
    settings.setdict(_stricter(order.settings, settings, spider), priority="cmdline")
    settings.setdict(FORCED, priority="cmdline")
    if not settings.getbool("TWISTED_REACTOR_ENABLED"):
        handlers = dict.fromkeys(("http", "https"), AIOHTTP_HANDLER)
        own = settings.getdict("DOWNLOAD_HANDLERS")
        settings.set("DOWNLOAD_HANDLERS", {**handlers, **own}, priority="cmdline")
    if context.versions:
        # Known already: working them out again takes as long as the fork itself.
        settings.set("LOG_VERSIONS", [], priority="cmdline")
    settings.set(SETTING, context, priority="cmdline")
    speak_plainly(settings)


def _choose_storage(order: Order, settings: Settings) -> None:
    """Of kept pages. On the disk a project may have its own."""
    from .diskcache import SCRAPYS_OWN, DiskCacheStorage  # noqa: PLC0415 - few runs keep any
    from .rediscache import RedisCacheStorage  # noqa: PLC0415

    if order.cache_url:
        settings.set("HTTPCACHE_STORAGE", RedisCacheStorage, priority="cmdline")
    elif settings["HTTPCACHE_STORAGE"] == SCRAPYS_OWN:
        settings.set("HTTPCACHE_STORAGE", DiskCacheStorage, priority="cmdline")


def set_bases(settings: Settings) -> None:
    extensions = {
        path: place
        for path, place in settings["EXTENSIONS_BASE"].items()
        if path not in REMOTE_DOORS
    }
    middlewares = settings["DOWNLOADER_MIDDLEWARES_BASE"]
    handlers = settings["DOWNLOAD_HANDLERS_BASE"]
    bases = {
        "EXTENSIONS": {HandlerGuard: 0, **extensions, Ending: 0, RunExtension: 0},
        "DOWNLOADER_MIDDLEWARES": {**middlewares, AddressGuard: 5},
        # The address check lets nothing else through; importing the others takes time.
        "DOWNLOAD_HANDLERS": {scheme: handlers[scheme] for scheme in ("http", "https")},
    }
    for name, base in bases.items():
        # Their entries stay defaults: what the project says of one of them goes before.
        settings.set(f"{name}_BASE", BaseSettings(base, "default"), priority="cmdline")


def _preset(name: str, settings: Settings) -> dict[str, Any]:
    presets = settings.getdict(PRESETS_SETTING)
    if name not in presets:
        raise BadOrder("preset_missing", f"There is no preset named {name!r} in this project.")
    # Those hold what watches the run and keeps it from private addresses.
    return {key: value for key, value in presets[name].items() if not key.endswith("_BASE")}


def _stricter(wanted: dict[str, Any], settings: Settings, spider: type[Spider]) -> dict[str, Any]:
    """The project's size limit stays the ceiling."""
    if "DOWNLOAD_MAXSIZE" not in wanted:
        return wanted
    own = settings.copy()
    spider.update_settings(own)
    ceiling = own.getint("DOWNLOAD_MAXSIZE") or wanted["DOWNLOAD_MAXSIZE"]
    return {**wanted, "DOWNLOAD_MAXSIZE": min(ceiling, wanted["DOWNLOAD_MAXSIZE"])}


def _guard(context: RunContext, settings: Settings) -> None:
    if settings.getbool("TWISTED_REACTOR_ENABLED"):
        from twisted.internet import reactor  # noqa: PLC0415 - importing it installs one

        guard_reactor(reactor, context)
        look_up_apart(reactor, settings.getint("REACTOR_THREADPOOL_MAXSIZE"))


def _extension(crawler: Crawler) -> RunExtension | None:
    manager = crawler._extensions
    found = (
        [part for part in manager.middlewares if isinstance(part, RunExtension)] if manager else []
    )
    return found[0] if found else None


def refuse(context: RunContext, reason: str, error: BaseException, log: str) -> int:
    context.bootstrap_error = _describe(reason, error)
    logging.basicConfig(format=str(FORCED["LOG_FORMAT"]), datefmt=str(FORCED["LOG_DATEFORMAT"]))
    logger.error("The spider could not start: %s", log)
    write_outcome(context, None, final=True)
    return 1


def _describe(reason: str, error: BaseException) -> dict[str, str]:
    return {"type": reason, "message": str(error)[:2000]}


class _Failure:
    """What a crawl ended with: a Task tells it afterwards, a Deferred only to a callback."""

    def __init__(self, started: Any) -> None:
        self._started = started
        self._error: BaseException | None = None
        if hasattr(started, "addErrback"):
            started.addErrback(self._note)

    def _note(self, failure: Any) -> None:
        self._error = failure.value

    def found(self) -> BaseException | None:
        if hasattr(self._started, "addErrback"):
            return self._error
        if not self._started.done() or self._started.cancelled():
            return None
        error: BaseException | None = self._started.exception()
        return error

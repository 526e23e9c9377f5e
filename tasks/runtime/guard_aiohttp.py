"""The same check for crawls without a Twisted reactor. Apart, since importing aiohttp is slow."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, cast

from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler

from .addresses import problem_of_connection
from .context import SETTING, RunContext
from .guard import refuse

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class GuardedAiohttpHandler(AiohttpDownloadHandler):
    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._context = cast("RunContext", crawler.settings[SETTING])
        connector = self._session.connector
        # aiohttp calls this with each resolved address, right before it connects.
        connector._socket_factory = self._guarded_socket  # type: ignore[union-attr]

    def _guarded_socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _name, address = info
        why = problem_of_connection(str(address[0]), int(address[1]), self._context.rules)
        if why:
            raise refuse(self._context, f"{address[0]}:{address[1]}", why)
        return socket.socket(family=family, type=kind, proto=protocol)

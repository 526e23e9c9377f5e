"""Keeps a crawl away from private addresses: before each request, and again when connecting, since
a redirect or a name's changed address comes after every earlier check."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from scrapy.exceptions import IgnoreRequest

from .addresses import (
    Rules,
    parse_address,
    problem_of_address,
    problem_of_connection,
    problem_of_url,
)
from .context import SETTING, RunContext

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)
MAX_REMEMBERED = 20


class AddressRefused(IgnoreRequest):
    pass


def refuse(context: RunContext, place: str, why: str) -> AddressRefused:
    if len(context.refused) < MAX_REMEMBERED:
        context.refused.append(place[:200])
    logger.warning("Refused to read %s: the address is %s", place[:500], why)
    return AddressRefused(f"{place[:200]} is not allowed ({why})")


class AddressGuard:
    """Downloader middleware, first of all, so that redirects and robots.txt come by here too."""

    def __init__(self, context: RunContext) -> None:
        self.context = context

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> AddressGuard:
        return cls(cast("RunContext", crawler.settings[SETTING]))

    def process_request(self, request: Request) -> None:
        why = problem_of_url(request.url, self.context.rules)
        if why:
            raise refuse(self.context, request.url, why)

    def process_response(self, request: Request, response: Response) -> Response:
        # For downloaders that connect() below doesn't cover, browsers above all.
        address = response.ip_address
        if address is None or problem_of_url(request.url, _addresses_only(self.context.rules)):
            return response
        if problem_of_address(address, self.context.rules):
            raise refuse(self.context, f"{request.url} at {address}", "private")
        return response


def _addresses_only(rules: Rules) -> Rules:
    """Without the listed exceptions: what they cover was judged by the request's own address."""
    return Rules(rules.networks)


def guard_reactor(reactor: Any, context: RunContext) -> None:
    connect: Callable[..., Any] = reactor.connectTCP

    def guarded(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        # A name comes here only for a proxy, which code chooses: addresses are resolved before.
        literal = parse_address(str(host).partition("%")[0]) is not None
        why = problem_of_connection(str(host), port, context.rules) if literal else None
        if why:
            raise refuse(context, f"{host}:{port}", why)
        return connect(host, port, *args, **kwargs)

    reactor.connectTCP = guarded

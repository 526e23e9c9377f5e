"""Keeps pages for later runs in Redis, where several hosts share them."""

from __future__ import annotations

import base64
import json
import logging
from time import time
from typing import TYPE_CHECKING, Any

from scrapy.http import Headers
from scrapy.responsetypes import responsetypes

from .context import SETTING, RunContext

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 2.0
FOR_EVER_SECONDS = 30 * 24 * 3600


class RedisCacheStorage:
    def __init__(self, settings: BaseSettings) -> None:
        context: RunContext = settings[SETTING]
        self._url = context.order.cache_url
        self._prefix = f"spider-scheduler:page:{context.order.cache_name}:"
        self._seconds = settings.getint("HTTPCACHE_EXPIRATION_SECS") or FOR_EVER_SECONDS
        self._client: Any = None
        self._is_down = False

    def open_spider(self, spider: Spider) -> None:
        import redis  # noqa: PLC0415 - an optional dependency

        self._failures = (redis.RedisError, OSError)
        self._client = redis.Redis.from_url(
            self._url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._fingerprint = spider.crawler.request_fingerprinter.fingerprint

    def close_spider(self, spider: Spider) -> None:
        del spider
        self._client.close()

    def retrieve_response(self, spider: Spider, request: Request) -> Response | None:
        del spider
        raw = self._safely(self._client.get, self._key(request))
        if raw is None:
            return None
        page = json.loads(raw)
        # Kept by a run that had more time; Redis forgets it by that one.
        if time() - page["at"] > self._seconds:
            return None
        request.meta["cache_timestamp"] = page["at"]
        headers = Headers(page["headers"])
        body = base64.b64decode(page["body"])
        kind = responsetypes.from_args(headers=headers, url=page["url"], body=body)
        return kind(url=page["url"], headers=headers, status=page["status"], body=body)

    def store_response(self, spider: Spider, request: Request, response: Response) -> None:
        del spider
        page = {
            "at": time(),
            "url": response.url,
            "status": response.status,
            "headers": dict(response.headers.to_unicode_dict()),
            "body": base64.b64encode(response.body).decode("ascii"),
        }
        key, text = self._key(request), json.dumps(page)
        self._safely(self._client.set, key, text, ex=self._seconds)

    def _key(self, request: Request) -> str:
        return self._prefix + self._fingerprint(request).hex()

    def _safely(self, call: Any, *arguments: Any, **options: Any) -> Any:
        """Without Redis the pages are simply read again."""
        if self._is_down:
            return None
        try:
            return call(*arguments, **options)
        except self._failures as error:
            self._is_down = True
            logger.warning("Pages are not kept in this run: Redis cannot be used (%s)", error)
            return None

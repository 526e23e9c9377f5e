"""Keeps pages for later runs on the disk, as Scrapy does."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from scrapy.extensions.httpcache import FilesystemCacheStorage

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response

logger = logging.getLogger(__name__)
SCRAPYS_OWN = "scrapy.extensions.httpcache.FilesystemCacheStorage"


class DiskCacheStorage(FilesystemCacheStorage):
    """What the disk doesn't take (it is full, for one) is not kept; Scrapy would lose the page."""

    _is_down = False

    def store_response(self, spider: Spider, request: Request, response: Response) -> None:
        if self._is_down:
            return
        try:
            super().store_response(spider, request, response)
        except OSError as error:
            self._is_down = True
            shutil.rmtree(self._get_request_path(spider, request), ignore_errors=True)
            logger.warning(
                "Pages are not kept in this run: the disk does not take them (%s)", error
            )

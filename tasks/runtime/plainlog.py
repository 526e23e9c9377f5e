"""A log that people can follow: each page that is read, without Scrapy's lists of its own parts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy.logformatter import LogFormatter

from .context import SETTING, RunContext
from .redact import hider, redact_address

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.logformatter import LogFormatterResult
    from scrapy.settings import Settings

# Who logs at each start what Scrapy consists of, and how those lines begin.
LISTS = {
    "scrapy.addons": "Enabled ",
    "scrapy.middleware": "Enabled ",
    "scrapy.crawler": "Overridden settings",
}
# What they tell of each step holds signatures of requests, and hundreds of lines.
TALKATIVE = ("boto3", "botocore", "s3transfer", "urllib3")


class PlainLog(LogFormatter):
    def __init__(self, secrets: list[str]) -> None:
        self._hide = hider(secrets)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PlainLog:
        context: RunContext = crawler.settings[SETTING]
        order = context.order
        return cls([str(order.arguments.get(name) or "") for name in order.secrets])

    def crawled(self, request: Request, response: Response, spider: Spider) -> LogFormatterResult:
        kept = ", kept from before" if "cached" in response.flags else ""
        answer = "" if response.status == 200 else f" (answer {response.status})"
        address = redact_address(self._hide(request.url))
        return {
            "level": logging.INFO,
            "msg": "Read %(url)s%(answer)s%(kept)s",
            "args": {"url": address, "answer": answer, "kept": kept},
        }


class _WithoutLists(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(LISTS[record.name])


def speak_plainly(settings: Settings) -> None:
    """What the project says of its log goes before; who wants every detail gets it."""
    if settings.getpriority("LOG_FORMATTER") == 0:
        settings.set("LOG_FORMATTER", PlainLog, priority="cmdline")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    level = str(settings["LOG_LEVEL"]).upper()
    if level == "DEBUG" and settings.getpriority("LOG_LEVEL"):
        return
    if settings.getpriority("STATS_DUMP") == 0:
        # They stand in the outcome, and with it on the page of the run.
        settings.set("STATS_DUMP", False, priority="cmdline")
    for name in LISTS:
        logging.getLogger(name).addFilter(_WithoutLists())

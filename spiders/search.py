from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import scrapy
from pydantic import AfterValidator, BeforeValidator, Field
from scrapy.http import HtmlResponse, Response
from scrapy_spider_metadata import Args
from twisted.python.failure import Failure

from spiders.items import SearchResult, column_titles
from spiders.params import SpiderParams, Url, split_words
from spiders.parsing.failures import failure_words, is_forbidden_by_robots
from spiders.parsing.sources import (
    DEMO_URL,
    Source,
    load_source,
    next_address,
    parse_results,
    source_files,
)
from spiders.parsing.text import too_deep


def usable_sources(names: list[str]) -> list[str]:
    for name in names:
        load_source(name)
    return list(dict.fromkeys(names))


def offer_choices(schema: dict[str, Any]) -> None:
    schema["items"] = {"type": "string", "enum": sorted(source_files())}


# The scheduler says where its own demo shop stands.
HERE = os.environ.get("DEMO_URL", DEMO_URL)


class SearchParams(SpiderParams):
    query: str = Field(
        min_length=1,
        max_length=300,
        title="Search for",
        description="The words, as you would type them into a search field.",
        examples=["oak table"],
    )
    sources: Annotated[list[str], BeforeValidator(split_words), AfterValidator(usable_sources)] = (
        Field(
            default=["google", "bing"],
            min_length=1,
            max_length=20,
            title="Where to search",
            description="A source that does not allow spiders (robots.txt) is left out.",
            json_schema_extra=offer_choices,
        )
    )
    max_results: int = Field(
        default=20,
        ge=1,
        le=500,
        title="Results from each source",
        json_schema_extra={"unit": "results"},
    )
    demo_url: Url = Field(
        default=HERE,
        title="Address of the demo shop",
        description="Only for the source “demo”.",
        json_schema_extra={"advanced": True},
    )


class SearchSpider(Args[SearchParams], scrapy.Spider):
    """Asks search pages and lists what they find."""

    name = "search"
    metadata = {
        "title": "Web search",
        "description": "Searches for words on one or more sources and lists the results in order.",
        "gives": ["SearchResult"],
        "columns": {"SearchResult": column_titles(SearchResult)},
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ranks: Counter[str] = Counter()
        self.seen: set[tuple[str, str]] = set()

    async def start(self) -> AsyncIterator[Any]:
        for name in self.args.sources:
            source = load_source(name)
            url = source.address(self.args.query, demo_url=self.args.demo_url)
            yield self._request(url, name, source, 1)

    def _request(self, url: str, name: str, source: Source, number: int) -> scrapy.Request:
        return scrapy.Request(
            url,
            self.parse_results,
            errback=self.source_failed,
            cb_kwargs={"name": name, "source": source, "number": number},
        )

    def parse_results(
        self, response: Response, name: str, source: Source, number: int
    ) -> Iterator[Any]:
        if not isinstance(response, HtmlResponse) or too_deep(response.selector):
            self.logger.error("%s did not answer with a page of results", source.title)
            return
        before = self.ranks[name]
        yield from self._results(response, name, source)
        found = self.ranks[name] - before
        if not found and number == 1:
            self.logger.warning("%s found nothing for %r", source.title, self.args.query)
        if found and self.ranks[name] < self.args.max_results:
            yield from self._next(response, name, source, number + 1)

    def _results(self, response: HtmlResponse, name: str, source: Source) -> Iterator[SearchResult]:
        for result in parse_results(response.selector, response.urljoin(""), source):
            if (name, result.url) in self.seen:
                continue
            if self.ranks[name] >= self.args.max_results:
                return
            self.seen.add((name, result.url))
            self.ranks[name] += 1
            yield SearchResult(
                rank=self.ranks[name], source=name, query=self.args.query, **result._asdict()
            )

    def _next(
        self, response: HtmlResponse, name: str, source: Source, number: int
    ) -> Iterator[scrapy.Request]:
        if source.next:
            url = next_address(response.selector, response.urljoin(""), source)
        elif source.is_paged:
            url = source.address(self.args.query, number, self.args.demo_url)
        else:
            url = None
        if url:
            yield self._request(url, name, source, number)

    def source_failed(self, failure: Failure) -> None:
        source = failure.request.cb_kwargs["source"]  # type: ignore[attr-defined]  # by Scrapy
        if is_forbidden_by_robots(failure.value):
            self.logger.warning(
                "%s does not allow spiders on its result pages (robots.txt), so it is left out",
                source.title,
            )
            return
        self.logger.error("%s could not be asked: %s", source.title, failure_words(failure.value))

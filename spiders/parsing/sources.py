"""Search sources: small TOML files, the built-in ones and those of an administrator."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote_plus, urlsplit

from parsel import Selector
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from spiders.params import css_selector, http_url
from spiders.parsing.text import absolute_url, squeeze

BUILT_IN = Path(__file__).resolve().parent.parent / "sources"
FOLDER_VARIABLE = "SEARCH_SOURCES_DIR"
DEMO_URL = "http://127.0.0.1:8000/demo/"


class BadSource(ValueError):
    pass


class Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    url: str
    snippet: str = ""

    @field_validator("*")
    @classmethod
    def is_selector(cls, value: str) -> str:
        return css_selector(value) if value else value


class Source(BaseModel):
    """`{query}`, `{page}`, `{offset}` and `{demo_url}` are filled into the address."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(max_length=100)
    url: str = Field(max_length=1000)
    results: str
    next: str = ""
    # Where results lead through a redirect of the source: the parameter that has the real one.
    url_parameter: str = ""
    page_size: int = Field(default=10, ge=1, le=1000)
    fields: Fields

    @field_validator("results")
    @classmethod
    def is_selector(cls, value: str) -> str:
        return css_selector(value)

    @field_validator("next")
    @classmethod
    def is_selector_or_empty(cls, value: str) -> str:
        return css_selector(value) if value else value

    @field_validator("url")
    @classmethod
    def has_query(cls, value: str) -> str:
        if "{query}" not in value:
            raise ValueError("The address needs {query} where the words to search for belong.")
        http_url(_filled(value, {"demo_url": DEMO_URL, "query": "x", "page": "1", "offset": "0"}))
        return value

    @property
    def is_paged(self) -> bool:
        return bool(self.next) or "{page}" in self.url or "{offset}" in self.url

    def address(self, query: str, page: int = 1, demo_url: str = DEMO_URL) -> str:
        values = {
            "demo_url": demo_url if demo_url.endswith("/") else f"{demo_url}/",
            "query": quote_plus(query),
            "page": str(page),
            "offset": str((page - 1) * self.page_size),
        }
        return _filled(self.url, values)


class Result(NamedTuple):
    title: str
    url: str
    snippet: str | None


def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def source_files() -> dict[str, Path]:
    """By name; a file in the administrator's folder replaces the built-in one of its name."""
    folders = [BUILT_IN]
    if own := os.environ.get(FOLDER_VARIABLE):
        folders.append(Path(own))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def load_source(name: str) -> Source:
    files = source_files()
    if name not in files:
        raise BadSource(f"There is no search source {name!r}. There are: {', '.join(files)}.")
    try:
        return Source(**tomllib.loads(files[name].read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadSource(f"The source {name!r} has a wrong {where}: {first['msg']}") from error
    except (OSError, ValueError, TypeError) as error:
        raise BadSource(f"The source {name!r} can't be read: {error}") from error


def parse_results(page: Selector, base_url: str, source: Source) -> Iterator[Result]:
    for node in page.css(source.results):
        url = _real_url(_value(node, source.fields.url), base_url, source.url_parameter)
        title = _value(node, source.fields.title)
        if url and title:
            yield Result(title, url, _value(node, source.fields.snippet) or None)


def next_address(page: Selector, base_url: str, source: Source) -> str | None:
    return absolute_url(base_url, page.css(source.next).xpath("@href").get())


def _value(node: Selector, css: str) -> str:
    """An element gives its text, `::attr(...)` and `::text` what they name."""
    if not css:
        return ""
    found = node.css(css)
    return squeeze(found.get() if "::" in css else found.xpath("string()").get())


def _real_url(href: str, base_url: str, parameter: str) -> str | None:
    url = absolute_url(base_url, href)
    if url and parameter and (given := parse_qs(urlsplit(url).query).get(parameter)):
        return absolute_url(base_url, given[0])
    return url

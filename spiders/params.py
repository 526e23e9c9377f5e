"""Types that the spiders' arguments share; their JSON schema says what a form needs."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from cssselect import SelectorError
from parsel.csstranslator import HTMLTranslator
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

# A comma may stand inside an address, so it separates only where another address begins.
_URL_SEPARATOR = re.compile(r"\s+|,(?=\s*https?://)", re.IGNORECASE)
# For forms, which know the schema alone; http_url() is the whole check.
_HTTP = r"^\s*[Hh][Tt][Tt][Pp][Ss]?://\S+\s*$"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def http_url(value: str) -> str:
    value = value.strip()
    parts = urlsplit(value)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ValueError("Write a whole web address, beginning with http:// or https://.")
    if parts.username or parts.password:
        raise ValueError("A web address must not contain a user name or password.")
    if _CONTROL.search(value) or " " in value or parts.port == 0:
        raise ValueError("This is not a web address.")
    return value


def split_urls(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return [part for part in (raw.strip(" ,") for raw in _URL_SEPARATOR.split(value)) if part]


def split_words(value: Any) -> Any:
    return re.findall(r"[^\s,]+", value) if isinstance(value, str) else value


def split_lines(value: Any) -> Any:
    return (
        [line for line in value.splitlines() if line.strip()] if isinstance(value, str) else value
    )


def css_selector(value: str) -> str:
    value = value.strip()
    try:
        HTMLTranslator().css_to_xpath(value)
    except SelectorError as error:
        raise ValueError(f"This is not a CSS selector: {error}.") from error
    return value


Url = Annotated[
    str,
    Field(max_length=2000, json_schema_extra={"format": "uri", "pattern": _HTTP}),
    AfterValidator(http_url),
]
UrlList = Annotated[
    list[Url],
    Field(min_length=1, max_length=100, json_schema_extra={"format": "uri-list"}),
    BeforeValidator(split_urls),
]
CssSelector = Annotated[
    str,
    Field(min_length=1, max_length=300, json_schema_extra={"format": "css-selector"}),
    AfterValidator(css_selector),
]


class SpiderParams(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def drop_private(cls, values: Any) -> Any:
        """Scrapyd hands its own `_job` to every spider."""
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if not str(key).startswith("_")}

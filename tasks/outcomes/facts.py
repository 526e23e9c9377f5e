from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.runtime.files import count_of

Json = Mapping[str, Any]
# What turns the direction of the text around it, in mails and on pages.
_TURNS_TEXT = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a good run of the task looks like."""

    allow_empty: bool = False
    min_items: int | None = None
    max_errors: int | None = None
    usual_items: float | None = None
    usual_seconds: float | None = None
    usual_share: int = 50
    """Percent of the usual number of items below which a run needs a look."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    stop_reason: str = ""
    """Why we ended it ourselves: cancelled, timeout, no_progress, memory, scheduler_stop."""
    has_outcome: bool = False
    is_final: bool = False
    finish_reason: str = ""
    bootstrap_error: str = ""
    error_message: str = ""
    error_said: Json | None = None
    """The same as a code, where it is one of our own sentences."""
    exit_code: int | None = None
    exit_signal: int | None = None
    stats: Json = field(default_factory=dict)
    items: int = 0
    items_lost: int = 0
    items_broken: int = 0
    """A step that the project puts items through failed on them."""
    items_on_disk: int | None = None
    storage_error: str = ""
    storage_said: str = ""
    feed_errors: int = 0
    feed_message: str = ""
    closing_errors: int = 0
    """A pipeline or the spider failed on what it does at the end."""
    log_lost: int = 0
    refused: tuple[str, ...] = ()
    start_requests: bool = False
    may_find_nothing: bool = False
    """The spider says so: it tells what changed, and often nothing did."""
    wall: str = ""
    """What most pages were instead of content: login, captcha."""
    seconds: float = 0.0

    def count(self, name: str) -> int:
        return count_of(self.stats.get(name))

    def total(self, prefix: str) -> int:
        return sum(self.count(name) for name in self.stats if name.startswith(prefix))

    @property
    def pages(self) -> int:
        return self.count("response_received_count")

    @property
    def exceptions(self) -> int:
        return self.count("spider_exceptions/count")

    @property
    def errors(self) -> int:
        return self.count("log_count/ERROR") + self.count("log_count/CRITICAL")


@dataclass(frozen=True)
class Verdict:
    status: str
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def facts_of(
    outcome: Json | None,
    exit_record: Json | None,
    *,
    stop_reason: str,
    items_on_disk: int | None,
    seconds: float = 0.0,
) -> Facts:
    """From the files of the run folder."""
    ended, exited = outcome or {}, exit_record or {}
    stats = ended.get("stats") or {}
    bootstrap = ended.get("bootstrap_error") or {}
    error = ended.get("last_error") or {}
    return Facts(
        stop_reason=stop_reason,
        has_outcome=outcome is not None,
        is_final=bool(ended.get("final")),
        finish_reason=str(ended.get("finish_reason") or ""),
        bootstrap_error=str(bootstrap.get("type") or ""),
        error_message=_message(bootstrap) or _message(error),
        error_said=bootstrap.get("said"),
        exit_code=exited.get("code"),
        exit_signal=exited.get("signal"),
        stats=stats,
        items=count_of(stats.get("item_scraped_count")),
        items_lost=int(ended.get("items_lost") or 0),
        items_broken=count_of(ended.get("items_broken")),
        items_on_disk=items_on_disk,
        storage_error=str(ended.get("items_error") or ""),
        storage_said=str(ended.get("items_error_code") or ""),
        feed_errors=int(ended.get("feed_errors") or 0),
        feed_message=_last_line(str(ended.get("feed_message") or "")),
        closing_errors=count_of(ended.get("closing_errors")),
        log_lost=int(ended.get("log_lost") or 0),
        refused=tuple(ended.get("refused") or ()),
        start_requests=bool(ended.get("start_requests")),
        may_find_nothing=bool(ended.get("may_find_nothing")),
        wall=str(ended.get("wall") or ""),
        seconds=seconds,
    )


def _last_line(text: str) -> str:
    """The one that says what is wrong, of a traceback too."""
    text = _TURNS_TEXT.sub("", text.strip())
    return text.splitlines()[-1].strip() if text else ""


def _message(record: Json) -> str:
    kind = str(record.get("exception") or "")
    last = _last_line(str(record.get("cause") or record.get("message") or ""))
    return f"{kind}: {last}" if kind and last and not last.startswith(kind) else last

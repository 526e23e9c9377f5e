"""Why a page could not be read, in words."""

from __future__ import annotations

from http import HTTPStatus

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.spidermiddlewares.httperror import HttpError

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (CannotResolveHostError, "There is no such site"),
    (DownloadTimeoutError, "No answer in time"),
    (DownloadConnectionRefusedError, "The connection was refused"),
)


def status_words(status: int) -> str:
    try:
        return f"{HTTPStatus(status).phrase} ({status})"
    except ValueError:
        return f"Answer {status}"


def failure_words(error: BaseException | None) -> str:
    if isinstance(error, HttpError):
        return status_words(error.response.status)
    if "max redirections" in str(error):
        return "It redirects in a circle"
    for kind, words in _REASONS:
        if isinstance(error, kind):
            return words
    return f"{type(error).__name__}: {error}"


def is_forbidden_by_robots(error: BaseException | None) -> bool:
    return isinstance(error, IgnoreRequest) and "robots.txt" in str(error)


def is_left_out(error: BaseException | None) -> bool:
    """Not tried at all, so nothing is known about the page."""
    unread = isinstance(error, IgnoreRequest) and not isinstance(error, HttpError)
    return unread and "max redirections" not in str(error)

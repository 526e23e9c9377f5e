"""Lines that found no room in the log: on a full disk they vanish without a word."""

from __future__ import annotations

import logging
import sys

_lost = 0


def notice_lost_lines() -> None:
    report = logging.Handler.handleError

    def note(self: logging.Handler, record: logging.LogRecord) -> None:
        global _lost  # noqa: PLW0603 - of this process
        if isinstance(sys.exc_info()[1], OSError):
            _lost += 1
        else:
            report(self, record)

    logging.Handler.handleError = note  # type: ignore[method-assign]


def lost_lines() -> int:
    return _lost

from __future__ import annotations

from tasks.timing import Timing


def describe(timing: Timing, *, after: str = "", after_on: str = "") -> str:
    return timing.cron or after or timing.kind

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def wait_until(check: Callable[[], T], timeout: float = 30, every: float = 0.02) -> T:
    """Returns the first true answer of `check`; fails when none came in time."""
    deadline = time.monotonic() + timeout
    while True:
        if answer := check():
            return answer
        if time.monotonic() > deadline:
            name = getattr(check, "__name__", "the condition")
            raise AssertionError(f"{name} did not come true in {timeout} s (last: {answer!r})")
        time.sleep(every)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: Playwright keeps an event loop in the one of the tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()

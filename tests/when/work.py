"""How much work something is, counted in calls: the same on every machine, however busy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Calls:
    count = 0


@contextmanager
def counted() -> Iterator[Calls]:
    calls, before = Calls(), sys.getprofile()

    def note(_frame: Any, event: str, _argument: Any) -> None:
        calls.count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def calls_of(action: Callable[[], object]) -> int:
    with counted() as calls:
        action()
    return calls.count

"""How many streams one person may hold open in this process."""

from __future__ import annotations

import threading
import weakref
from collections import Counter

_open: Counter[int] = Counter()
_lock = threading.Lock()


class Place:
    """Given back when the stream ends, also one that was made and never begun."""

    def __init__(self, person: int) -> None:
        self.give_back = weakref.finalize(self, _leave, person)


def take_place(person: int, *, most: int) -> Place | None:
    with _lock:
        if _open[person] >= most:
            return None
        _open[person] += 1
    return Place(person)


def open_streams() -> int:
    return _open.total()


def _leave(person: int) -> None:
    with _lock:
        _open[person] -= 1
        if _open[person] <= 0:
            del _open[person]

"""Counts each caller's requests a minute over all web processes.

With Redis each request counts there. Without it a process takes a hundredth of the limit at a time
from the database, so that only one request in that many costs a statement.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from tasks.services.repeats import ask

MINUTE = 60
SHARES = 100
# Callers that are remembered; more than that in a minute are not people.
MOST_CALLERS = 10_000
TAKE = """
INSERT INTO tasks_ratecount (caller, minute, taken) VALUES (%s, %s, %s)
ON CONFLICT (caller) DO UPDATE SET
taken = CASE WHEN tasks_ratecount.minute = excluded.minute
THEN tasks_ratecount.taken + excluded.taken ELSE excluded.taken END,
minute = excluded.minute
RETURNING taken
"""

logger = logging.getLogger(__name__)


@dataclass
class Allowance:
    minute: int
    left: int = 0
    is_spent: bool = False


_allowances: dict[str, Allowance] = {}
_lock = threading.Lock()


def may_ask(caller: str, *, most: int) -> bool:
    """Whether this request is within the caller's limit; it counts as one."""
    minute = int(time.time()) // MINUTE
    if settings.REDIS_URL:
        # Without its Redis the limit is off: better than no API.
        return (ask(lambda: _counted(f"rate:{caller}:{minute}")) or 0) <= most
    with _lock:
        mine = _allowance(caller, minute)
        if mine.left:
            mine.left -= 1
            return True
        if mine.is_spent:
            return False
    granted = _take(caller, minute, most)
    with _lock:
        mine = _allowance(caller, minute)
        mine.left += max(0, granted - 1)
        mine.is_spent = not granted
    return granted > 0


def seconds_left() -> float:
    return MINUTE - time.time() % MINUTE


def forget() -> None:
    """As a new process begins."""
    _allowances.clear()


def _counted(key: str) -> int:
    cache.add(key, 0, 2 * MINUTE)
    return cache.incr(key)


def _allowance(caller: str, minute: int) -> Allowance:
    mine = _allowances.get(caller)
    if mine is None or mine.minute != minute:
        if len(_allowances) >= MOST_CALLERS:
            _allowances.clear()
        mine = _allowances[caller] = Allowance(minute)
    return mine


def _take(caller: str, minute: int, most: int) -> int:
    share = max(1, most // SHARES)
    try:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [caller, minute, share])
            taken = int(cursor.fetchone()[0])
    except DatabaseError as error:
        # As without its Redis; whatever the request asks of the database will say so itself.
        logger.warning("A request could not be counted: %s", type(error).__name__)
        return 1
    return max(0, min(share, most - (taken - share)))

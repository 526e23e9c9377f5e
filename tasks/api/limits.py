from __future__ import annotations

import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from tasks.api.auth import Caller
from tasks.services.repeats import ask

WINDOW = 60


class PerCaller(BaseThrottle):
    """So many requests a minute for each token or person; with Redis across all processes."""

    def allow_request(self, request: HttpRequest) -> bool:
        caller = getattr(request, "auth", None)
        most = settings.API_RATE_LIMIT
        if not most or not isinstance(caller, Caller) or hasattr(request, "is_counted"):
            return True
        request.is_counted = True  # type: ignore[attr-defined]
        key = f"rate:{caller.ident}:{int(time.time()) // WINDOW}"
        # Without its Redis the limit is off: better than no API.
        return (ask(lambda: self._count(key)) or 0) <= most

    @staticmethod
    def _count(key: str) -> int:
        cache.add(key, 0, 2 * WINDOW)
        return cache.incr(key)

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW

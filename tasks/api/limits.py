from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from tasks.api.auth import Caller
from tasks.services.rates import may_ask, seconds_left


class PerCaller(BaseThrottle):
    """So many requests a minute for each token or person, over all web processes."""

    def allow_request(self, request: HttpRequest) -> bool:
        caller = getattr(request, "auth", None)
        most = settings.API_RATE_LIMIT
        if not most or not isinstance(caller, Caller) or hasattr(request, "is_counted"):
            return True
        request.is_counted = True  # type: ignore[attr-defined]
        return may_ask(caller.ident, most=most)

    def wait(self) -> float:
        return seconds_left()

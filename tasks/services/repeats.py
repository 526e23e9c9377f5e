"""A first layer before the database, where Redis is there: a burst of one and the same crawl
request is answered from memory. It forgets within seconds; the database is what decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache

SECONDS = 5

T = TypeVar("T")


def recall(fingerprint: str) -> tuple[str, datetime] | None:
    """The job that was made a moment ago, and when."""
    if not settings.REDIS_URL:
        return None
    found = ask(lambda: cache.get(_key(fingerprint)))
    return (found[0], found[1]) if found else None


def remember(fingerprint: str, job_id: str, made_at: datetime) -> None:
    lifetime = min(SECONDS, settings.CRAWL_CACHE_TTL)
    if settings.REDIS_URL and lifetime:
        ask(lambda: cache.set(_key(fingerprint), (job_id, made_at), lifetime))


def _key(fingerprint: str) -> str:
    return f"crawl:{fingerprint}"


def ask(question: Callable[[], T]) -> T | None:
    """The cache's answer; None when its Redis is away, though it was there a moment ago."""
    if not settings.REDIS_URL:
        return question()
    from redis.exceptions import RedisError  # noqa: PLC0415 - an optional package

    try:
        return question()
    except RedisError:
        return None

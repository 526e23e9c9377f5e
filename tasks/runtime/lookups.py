"""Names are looked up in threads that nobody waits for at the end. With a name server that doesn't
answer one takes half a minute, and Twisted's own threads are waited for, also by a second TERM."""

from __future__ import annotations

from threading import Thread
from typing import Any, cast

from twisted.internet.base import ReactorBase, ThreadedResolver
from twisted.python.threadpool import ThreadPool


class _DaemonThread(Thread):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, daemon=True)


class _OtherThreads:
    """A reactor as its resolver sees it."""

    def __init__(self, reactor: Any, pool: ThreadPool) -> None:
        self._reactor, self._pool = reactor, pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def getThreadPool(self) -> ThreadPool:  # noqa: N802 - Twisted's name
        return self._pool


def look_up_apart(reactor: Any, threads: int) -> None:
    pool = ThreadPool(minthreads=0, maxthreads=threads, name="names")
    pool.threadFactory = _DaemonThread  # type: ignore[assignment]
    pool.start()
    # For Twisted's own resolver and for that of IPv6, which asks it.
    reactor.nameResolver._getThreadPool = lambda: pool
    install = reactor.installResolver

    def install_apart(resolver: Any) -> Any:
        if isinstance(resolver, ThreadedResolver):
            resolver.reactor = cast("ReactorBase", _OtherThreads(resolver.reactor, pool))
        return install(resolver)

    reactor.installResolver = install_apart

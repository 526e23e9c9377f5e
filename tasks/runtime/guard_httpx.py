"""The check for downloads by httpx: names are resolved here, and what was checked is connected."""

from __future__ import annotations

from typing import Any

from .context import RunContext
from .resolving import allowed_addresses


def guard(handler: Any, context: RunContext) -> None:
    make = handler._make_client

    def make_guarded(proxy_url: str | None = None) -> Any:
        client = make(proxy_url)
        if proxy_url is None:  # a proxy is chosen by code
            _guard_client(client, context)
        return client

    handler._make_client = make_guarded
    _guard_client(handler._default_client, context)


def _guard_client(client: Any, context: RunContext) -> None:
    pool = client._transport._pool
    pool._network_backend = _GuardedBackend(pool._network_backend, context)


class _GuardedBackend:
    def __init__(self, backend: Any, context: RunContext) -> None:
        self._backend = backend
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    async def connect_tcp(self, host: str, port: int, **options: Any) -> Any:
        *others, last = await allowed_addresses(host, port, self._context)
        for address in others:
            try:
                return await self._backend.connect_tcp(address, port, **options)
            except Exception:  # noqa: BLE001, S112 - the last one tells what is wrong
                continue
        return await self._backend.connect_tcp(last, port, **options)

"""A small proxy on the loopback for one run's browser: it connects to allowed addresses only."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

from .addresses import problem_of_url
from .context import RunContext
from .guard import AddressRefused, refuse
from .resolving import allowed_addresses

BLOCK = 64 * 1024
REFUSED = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
UNREACHABLE = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_HOP_BY_HOP = (b"proxy-connection:", b"connection:", b"proxy-authorization:")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class BrowserProxy:
    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=BLOCK)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            await self._answer(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the browser shows what it makes of a connection that ends
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        try:
            other = await self._connect(method, target)
        except AddressRefused:
            writer.write(REFUSED)
        except OSError:
            writer.write(UNREACHABLE)
        else:
            greeting = b"HTTP/1.1 200 OK\r\n\r\n" if method == "CONNECT" else b""
            writer.write(greeting)
            other[1].write(b"" if greeting else _plain_head(method, target, head))
            await _join((reader, writer), other)

    async def _connect(self, method: str, target: str) -> Streams:
        if method == "CONNECT":
            parts = urlsplit(f"//{target}")
        else:
            parts = urlsplit(target)
            why = problem_of_url(target, self._context.rules)
            if why:
                raise refuse(self._context, target, why)
        host, port = parts.hostname or "", parts.port or 80
        addresses = await allowed_addresses(host, port, self._context)
        for address in addresses[:-1]:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(address, port)
        return await asyncio.open_connection(addresses[-1], port)


def _plain_head(method: str, target: str, head: bytes) -> bytes:
    """As a server expects it, for this one exchange."""
    parts = urlsplit(target)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
    kept = [line for line in lines if not line.lower().startswith(_HOP_BY_HOP)]
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("latin-1"), *kept,
                         b"Connection: close", b"", b""])  # fmt: skip


async def _join(one: Streams, other: Streams) -> None:
    """Both ways until either ends its side for good."""
    try:
        await asyncio.gather(_copy(one[0], other[1]), _copy(other[0], one[1]))
    finally:
        other[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(BLOCK):
        writer.write(data)
        await writer.drain()
    writer.close()

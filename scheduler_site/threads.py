from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

NUMBER = 16


class InOneGo(ASGIHandler):
    """Runs middleware and view in one call on the request's thread.

    Django's own handler comes back to the event loop between any two of them, and each time waits
    for its turn behind whatever else the loop does, such as feeding hundreds of streams.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        response = await sync_to_async(self.get_response)(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            parts = cast("Iterable[bytes]", response.streaming_content)
            response.streaming_content = in_threads(parts)
        return response


async def in_threads(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    iterator = iter(parts)
    while (part := await asyncio.to_thread(next, iterator, None)) is not None:
        yield part


class FixedThreads:
    """Gives each request one of a fixed number of threads for its synchronous parts.

    By itself Django starts a thread per request, which opens a database connection of its own
    and lives as long as the response: hours, for an event stream. Here threads keep their
    connections, and a response gives its thread back as soon as it begins: somebody who reads a
    download slowly holds a connection only.
    """

    def __init__(self, app: App, number: int = NUMBER) -> None:
        self.app = app
        self.threads = [ThreadPoolExecutor(1, f"request-{index}") for index in range(number)]
        self.free: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()
        for thread in self.threads:
            self.free.put_nowait(thread)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        thread = await self.free.get()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self.free.put_nowait(thread)

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                give_back()
            await send(message)

        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.app(scope, receive, send_on)
        finally:
            give_back()

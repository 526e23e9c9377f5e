from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

NUMBER = 16


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

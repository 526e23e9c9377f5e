from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import IO

from scheduler_site.threads import App, Message, Receive, Scope, Send

# The largest thing people send is a task file or a spreadsheet of tasks.
MOST_BYTES = 10 * 1024 * 1024
SECONDS = 60.0
CHUNK = 65_536


class Refused(Exception):
    def __init__(self, status: int, text: bytes) -> None:
        self.status = status
        self.text = text


class WholeBodies:
    """Lets a request in when its body is there, if it is not too large and comes in time.

    Otherwise a stranger could fill the disk, to which Django writes a body before any view can
    refuse it, or hold every thread by sending slowly.
    """

    def __init__(self, app: App, most_bytes: int = MOST_BYTES, seconds: float = SECONDS) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=CHUNK) as body:
            try:
                complete = await self.read(scope, receive, body)
            except Refused as refused:
                await answer(send, refused)
                return
            if complete:
                body.seek(0)
                await self.app(scope, replaying(body, receive), send)

    async def read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> bool:
        """False when the client went away meanwhile."""
        self.demand_size(declared_bytes(scope))
        try:
            async with asyncio.timeout(self.seconds):
                while (message := await receive())["type"] == "http.request":
                    body.write(message.get("body", b""))
                    self.demand_size(body.tell())
                    if not message.get("more_body"):
                        return True
        except TimeoutError:
            raise Refused(408, b"The request took too long to arrive.") from None
        return False

    def demand_size(self, size: int) -> None:
        if size > self.most_bytes:
            raise Refused(413, b"The request is too large.")


def declared_bytes(scope: Scope) -> int:
    length: bytes = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def replaying(body: IO[bytes], receive: Receive) -> Receive:
    done = False

    async def replay() -> Message:
        nonlocal done
        if done:
            return await receive()
        chunk = body.read(CHUNK)
        done = len(chunk) < CHUNK
        return {"type": "http.request", "body": chunk, "more_body": not done}

    return replay


async def answer(send: Send, refused: Refused) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": refused.text})

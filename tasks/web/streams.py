"""Long downloads in parts, without holding up the server or the memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


async def _in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part


def download(
    request: HttpRequest, parts: Iterator[bytes], *, name: str, content_type: str
) -> StreamingHttpResponse:
    # Django collects a sync iterator whole before sending under ASGI, and an async one under WSGI.
    content = _in_threads(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response

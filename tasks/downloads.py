from __future__ import annotations

from collections.abc import Iterator

from django.http import StreamingHttpResponse


def download(parts: Iterator[bytes], *, name: str, content_type: str) -> StreamingHttpResponse:
    """A long answer, never whole in memory. The server takes its parts in a thread: see
    scheduler_site.threads."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingHttpResponse(parts, headers=headers)

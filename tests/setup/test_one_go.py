from __future__ import annotations

import asyncio

import pytest
from django.core.handlers.asgi import ASGIHandler

from scheduler_site.threads import FixedThreads, InOneGo
from tests.waiting import run_async

pytestmark = pytest.mark.django_db(transaction=True)


def hops_of(handler: ASGIHandler, path: str) -> tuple[int, int]:
    """How often one request comes to its thread, and its answer's status."""
    app = FixedThreads(handler, number=1)
    thread, hops = app.threads[0], []
    submit = thread.submit

    def counted(*args, **options):
        hops.append(args)
        return submit(*args, **options)

    thread.submit = counted
    sent = []
    waiting = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not waiting:
            await asyncio.Event().wait()  # the client stays
        return waiting.pop()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "http_version": "1.1",
    }  # fmt: skip
    run_async(app(scope, receive, send))
    thread.submit(close_connections).result()
    thread.shutdown()
    return len(hops) - 1, sent[0]["status"]


def close_connections():
    from django.db import connections

    connections.close_all()


@pytest.mark.parametrize("path", ["/api/v1/status", "/admin/login/"])
def test_a_request_comes_to_its_thread_once_for_all_middleware_and_its_view(path):
    hops, status = hops_of(InOneGo(), path)
    stock, same = hops_of(ASGIHandler(), path)
    assert status == same
    # Once more each for the signals before and after it.
    assert hops <= 4 < stock

from __future__ import annotations

import asyncio
import http.client
import socket

import pytest

from scheduler_site.bodies import CHUNK, WholeBodies
from tests.processes import status
from tests.waiting import run_async, wait_until

from .test_serve import serving, site_env  # noqa: F401


async def echo(scope, receive, send):
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(*parts: bytes, pause: float = 0, length: int | None = None, most: int = 1_000_000):
    async def go():
        waiting = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]
        ] + [{"type": "http.request", "body": parts[-1], "more_body": False}]
        sent = []

        async def receive():
            await asyncio.sleep(pause)
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        headers = [] if length is None else [(b"content-length", str(length).encode())]
        app = WholeBodies(echo, most_bytes=most, seconds=0.2)
        await app({"type": "http", "headers": headers}, receive, send)
        return sent[0]["status"], sent[1]["body"]

    return run_async(go())


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_body_arrives_as_it_was_sent(size):
    body = bytes(index % 251 for index in range(size))
    assert ask(body[: size // 3], body[size // 3 :]) == (200, body)


def test_a_body_that_is_declared_too_large_is_refused_unread():
    assert ask(b"", length=11, most=10)[0] == 413


def test_a_body_that_becomes_too_large_is_refused():
    assert ask(b"123456", b"123456", most=10)[0] == 413


def test_a_body_that_comes_too_slowly_is_refused():
    assert ask(*[b"1"] * 50, pause=0.02)[0] == 408


def test_a_client_that_leaves_reaches_nothing():
    async def receive():
        return {"type": "http.disconnect"}

    async def never(*_):
        raise AssertionError("the site was asked")

    run_async(WholeBodies(never)({"type": "http", "headers": []}, receive, never))


def test_slow_senders_do_not_stop_the_site(site_env, free_port):  # noqa: F811
    with serving(site_env, free_port):
        url = f"http://127.0.0.1:{free_port}/admin/login/"
        wait_until(lambda: status(url), timeout=60)
        slow = [socket.create_connection(("127.0.0.1", free_port)) for _ in range(40)]
        for each in slow:
            each.sendall(b"POST /crawl HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{")
        assert status(url) == 200
        for each in slow:
            each.close()


def test_the_site_refuses_a_huge_body(site_env, free_port):  # noqa: F811
    with serving(site_env, free_port):
        wait_until(lambda: status(f"http://127.0.0.1:{free_port}/admin/login/"), timeout=60)
        client = http.client.HTTPConnection("127.0.0.1", free_port, timeout=10)
        client.putrequest("POST", "/crawl")
        client.putheader("Content-Length", str(10**12))
        client.endheaders()
        assert client.getresponse().status == 413
        client.close()

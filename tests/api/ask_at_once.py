"""One of several processes that ask for the same crawl: `python -m tests.api.ask_at_once N TOKEN`.

It says "ready", waits for a line on its input, and prints the job ids that it got."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

CRAWL = {"user_id": "u", "spider": "shop", "start_urls": ["https://shop.example/"], "depth": 1}


def ask(token: str, body: dict[str, object]) -> str:
    answer = Client(SERVER_NAME="127.0.0.1").post(
        "/crawl",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    connection.close()
    return str(answer.json().get("job_id", answer.content))


def main(number: int, token: str, more: str) -> None:
    body = {**CRAWL, **json.loads(more)}
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(10) as pool:
        print(json.dumps(list(pool.map(lambda _: ask(token, body), range(number)))))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])

"""Two web processes on one database, without Redis, hold to one truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from tasks.models import Run, Task

from .conftest import token_for
from .serving import Site, serving

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 300
CRAWL = {"user_id": "u", "spider": "shop", "start_urls": ["https://shop.example/"], "depth": 1}
Ask = Callable[..., requests.Response]


@pytest.fixture
def sites(data_dir: Path, transactional_db: None) -> Iterator[list[Site]]:
    more = {"API_RATE_LIMIT": str(LIMIT)}
    with serving(data_dir, **more) as first, serving(data_dir, **more) as second:
        yield [first, second]


@pytest.fixture
def ask(sites: list[Site], maja: User) -> Ask:
    known = {"Authorization": f"Bearer {token_for(maja)}"}

    def send(
        number: int, method: str, path: str, body: Any = None, headers: dict[str, str] = known
    ) -> requests.Response:
        url = sites[number % 2].url + path
        return requests.request(method, url, json=body, headers=headers, timeout=60)

    return send


def at_once(work: Callable[[int], requests.Response], number: int) -> list[requests.Response]:
    with ThreadPoolExecutor(40) as pool:
        return list(pool.map(work, range(number)))


def test_two_servers_hold_to_one_truth(ask: Ask, shop_spider: Any, maja: User) -> None:
    """In one test: to start them takes longer than all that is asked of them."""
    identical_crawls_at_once_are_one_run(ask)
    a_job_that_one_server_made_is_the_others_too(ask)
    a_limit_holds_over_both(ask, {"Authorization": f"Bearer {token_for(maja)}"})


def identical_crawls_at_once_are_one_run(ask: Ask) -> None:
    answers = at_once(lambda number: ask(number, "POST", "/crawl", CRAWL), 200)
    assert Counter(answer.status_code for answer in answers) == {200: 200}
    run = Run.objects.get()
    assert {answer.json()["job_id"] for answer in answers} == {str(run.pk)}
    assert sum(not answer.json()["cached"] for answer in answers) == 1
    # Past the cache, and after its time.
    other = ask(1, "POST", "/crawl?ignore_cache=true", CRAWL).json()["job_id"]
    assert other != str(run.pk)
    Run.objects.update(queued_at=run.queued_at - timedelta(days=1))
    assert ask(0, "POST", "/crawl", CRAWL).json()["job_id"] not in {other, str(run.pk)}


def a_job_that_one_server_made_is_the_others_too(ask: Ask) -> None:
    made = ask(0, "POST", "/crawl", {**CRAWL, "interval": "0 6 * * *"})
    assert (made.status_code, made.json()["scheduled"]) == (202, True)
    job = made.json()["job_id"]
    assert [each["id"] for each in ask(1, "GET", "/jobs").json()["jobs"]] == [job]
    for verb, runs in (("pause", False), ("resume", True)):
        assert "message" in ask(1, "POST", f"/jobs/{job}/{verb}").json()
        assert bool(ask(0, "GET", f"/jobs/{job}").json()["next_run"]) is runs
    assert ask(1, "PATCH", f"/jobs/{job}", {"interval": "61 * * * *"}).status_code == 400
    assert ask(1, "DELETE", f"/jobs/{job}").status_code == 200
    assert ask(0, "GET", f"/jobs/{job}").status_code == 404
    assert not Task.objects.filter(user_id="u").exists()


def a_limit_holds_over_both(ask: Ask, token: dict[str, str]) -> None:
    path = "/api/v1/preview?cron=0+6+*+*+*"
    answers = at_once(lambda number: ask(number, "GET", path, headers=token), 2 * LIMIT + 60)
    codes = Counter(answer.status_code for answer in answers)
    # A minute may have ended meanwhile, and what a server took for itself may be left over.
    assert LIMIT - 10 <= codes[200] <= 2 * LIMIT, codes
    assert codes[429] >= 60

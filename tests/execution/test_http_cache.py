from __future__ import annotations

from uuid import uuid4

import pytest
import redis
from django.utils import timezone

from tasks.execution.folder import cache_folder
from tasks.models import Task
from tests.waiting import wait_until


def crawl(bench, site, task, **fields):
    arguments = {"start_urls": f"{site.url}/ok"}
    run = bench.until_ended(bench.queue(task=task, arguments=arguments, **fields))
    assert (run.status, run.items) == ("succeeded", 1), bench.log(run)
    return run


def test_pages_are_read_again_unless_the_task_keeps_them(bench, site):
    task = bench.task("pages")
    crawl(bench, site, task)
    crawl(bench, site, task)
    assert site.hits["/ok"] == 2
    assert not cache_folder(task.task_id).exists()


def test_kept_pages_are_not_read_again(bench, site):
    task = bench.task("pages", http_cache=True)
    crawl(bench, site, task)
    again = crawl(bench, site, task)
    assert site.hits["/ok"] == 1
    assert again.stats["httpcache/hit"] == 1


def test_each_task_keeps_its_own_pages(bench, site):
    crawl(bench, site, bench.task("pages", http_cache=True))
    crawl(bench, site, bench.task("pages", http_cache=True))
    assert site.hits["/ok"] == 2


def test_a_run_may_ignore_what_is_kept(bench, site):
    task = bench.task("pages", http_cache=True)
    crawl(bench, site, task)
    crawl(bench, site, task, ignore_cache=True)
    assert site.hits["/ok"] == 2


def test_kept_pages_expire(bench, site):
    task = bench.task("pages", http_cache=True, http_cache_ttl=1)
    first = crawl(bench, site, task)
    bench.drive(lambda: (timezone.now() - first.finished_at).total_seconds() > 1.2)
    crawl(bench, site, task)
    assert site.hits["/ok"] == 2


def test_refusals_are_never_kept(bench, site):
    task = bench.task("pages", http_cache=True)
    for _ in range(2):
        run = bench.queue(task=task, arguments={"start_urls": f"{site.url}/403"})
        assert bench.until_ended(run).reason == "blocked"
    assert site.hits["/403"] == 2


@pytest.mark.needs("redis")
def test_redis_keeps_pages_for_all_hosts(bench, site, settings, redis_url):
    settings.REDIS_URL = redis_url
    task = bench.task("pages", http_cache=True, http_cache_ttl=60)
    first = crawl(bench, site, task)
    again = crawl(bench, site, task)
    assert site.hits["/ok"] == 1
    assert again.stats["httpcache/hit"] == 1
    assert bench.items(first)[0] == bench.items(again)[0]
    assert not cache_folder(task.task_id).exists()
    ignoring = crawl(bench, site, task, ignore_cache=True)
    assert site.hits["/ok"] == 2
    assert "httpcache/hit" not in ignoring.stats


@pytest.mark.needs("redis")
def test_redis_forgets_pages_after_their_time(bench, site, settings, redis_url):
    settings.REDIS_URL = redis_url
    name = f"kept-{uuid4()}"
    task = bench.task("pages", task_id=name, http_cache=True, http_cache_ttl=60)
    crawl(bench, site, task)
    kept = f"spider-scheduler:page:{task.task_id}:*"
    with redis.Redis.from_url(redis_url) as client:
        [key] = client.keys(kept)
        assert 0 < client.ttl(key) <= 60
        # A shorter time counts at once, also for what was kept before.
        Task.objects.update(http_cache_ttl=1)
        wait_until(lambda: client.ttl(key) < 58)
        crawl(bench, site, task)
        assert site.hits["/ok"] == 2
        wait_until(lambda: not client.keys(kept), 5)
    crawl(bench, site, task)
    assert site.hits["/ok"] == 3


def test_without_its_redis_a_run_goes_on(bench, site, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    run = crawl(bench, site, bench.task("pages", http_cache=True))
    assert "Pages are not kept in this run" in bench.log(run)

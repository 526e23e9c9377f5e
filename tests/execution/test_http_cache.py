from __future__ import annotations

import os
from time import time
from uuid import uuid4

import pytest
import redis
from django.utils import timezone

from tasks.execution.folder import cache_folder
from tasks.execution.housekeeping import Housekeeper
from tasks.execution.kept_pages import forget_old_pages
from tasks.models import Run, Task
from tasks.services.tasks import remove_task
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


@pytest.mark.needs("redis")
def test_another_task_of_the_same_id_does_not_get_the_pages_of_a_deleted_one(
    bench, site, settings, redis_url
):
    settings.REDIS_URL = redis_url
    name = f"kept-{uuid4()}"
    first = bench.task("pages", task_id=name, http_cache=True, http_cache_ttl=60)
    crawl(bench, site, first)
    remove_task(task_id=name)
    crawl(bench, site, bench.task("pages", task_id=name, http_cache=True, http_cache_ttl=60))
    assert site.hits["/ok"] == 2


# --- what is kept on the disk ---------------------------------------------------------------------


def pages(task):
    return [path for path in cache_folder(task.task_id).glob("*/*/*") if path.is_dir()]


def make_old(task, seconds):
    then = time() - seconds
    for path in cache_folder(task.task_id).rglob("*"):
        os.utime(path, (then, then))


def test_a_disk_that_takes_no_page_costs_none(bench, site, data_dir):
    (data_dir / "httpcache").write_text("no folder")
    run = crawl(bench, site, bench.task("pages", http_cache=True))
    assert "Pages are not kept in this run" in bench.log(run)
    assert run.errors == 0


def test_pages_whose_time_is_over_leave_the_disk(bench, site):
    old = bench.task("pages", http_cache=True, http_cache_ttl=600)
    young = bench.task("pages", http_cache=True, http_cache_ttl=3000)
    for_ever = bench.task("pages", http_cache=True, http_cache_ttl=0)
    for task in (old, young, for_ever):
        crawl(bench, site, task)
        make_old(task, 700)
    assert forget_old_pages() == 1
    assert [len(pages(task)) for task in (old, young, for_ever)] == [0, 1, 1]
    assert not cache_folder(old.task_id).exists()
    crawl(bench, site, old)
    assert (site.hits["/ok"], len(pages(old))) == (4, 1)


def test_what_cannot_be_looked_at_keeps_no_other_page(bench, site):
    task = bench.task("pages", http_cache=True, http_cache_ttl=600)
    crawl(bench, site, task)
    make_old(task, 700)
    (cache_folder(task.task_id) / "pages" / "00").mkdir(exist_ok=True)
    (cache_folder(task.task_id) / "pages" / "00" / "gone").symlink_to("nowhere")
    assert forget_old_pages() == 1


def test_pages_stay_while_a_run_of_their_task_may_write_them_again(bench, site):
    task = bench.task("pages", http_cache=True, http_cache_ttl=600)
    crawl(bench, site, task)
    make_old(task, 700)
    run = bench.queue(task=task)
    Run.objects.filter(pk=run.pk).update(status="running")
    assert forget_old_pages() == 0
    assert len(pages(task)) == 1


def test_the_housekeeper_sees_to_old_pages(bench, site, monkeypatch):
    task = bench.task("pages", http_cache=True, http_cache_ttl=600)
    crawl(bench, site, task)
    make_old(task, 700)
    monkeypatch.setattr("tasks.execution.housekeeping.FIRST_AFTER", 0)
    housekeeper = Housekeeper()
    housekeeper.start()
    wait_until(lambda: not pages(task))
    housekeeper.stop()

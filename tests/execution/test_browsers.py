"""Spiders with a real browser, by scrapy-playwright."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import psutil
import pytest

from tasks.execution.processes import members
from tasks.services.runs import cancel_run
from tests.execution.conftest import Bench, use_project
from tests.services_at_hand import require
from tests.website import Site

PROJECT = Path(__file__).parent.parent / "projects" / "browser"
UNSAFE = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
LIES = """
import socket
_real = socket.getaddrinfo
def _lie(host, *args, **kwargs):
    return _real("127.0.0.2" if host == "inside.example" else host, *args, **kwargs)
socket.getaddrinfo = _lie
"""
pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def bench(transactional_db, settings, data_dir, monkeypatch):
    monkeypatch.setenv("SPIDER_CHROMIUM", require("chromium"))
    use_project(settings, PROJECT)
    with contextlib.closing(Bench(None)) as bench:
        yield bench


@pytest.fixture
def inner():
    """A second website, which stands for what is inside."""
    with Site("127.0.0.2") as site:
        yield site


def programs(run):
    """Names of all processes of the run."""
    found = members(run.pid, str(run.pk))
    return [psutil.Process(pid).name() for pid in found]


def page(site, other=""):
    return f"{site.url}/script?{other}"


@pytest.mark.long
@pytest.mark.parametrize("mode", ["fork", "fresh"])
def test_a_spider_sees_what_scripts_of_the_page_write(bench, site, settings, tmp_path, mode):
    if mode == "fresh":
        settings.SCRAPY_PROJECT_PATH = changed_project(tmp_path, UNSAFE)
        bench.replace_worker()
    run = bench.until_ended(bench.queue("rendered", arguments={"url": page(site, "/ok")}), 90)
    assert (run.status, run.reason) == ("succeeded", ""), (run.detail, bench.log(run))
    assert bench.items(run) == [{"seen": "200 Fine"}], bench.log(run)
    bench.drive(lambda: bench.worker.executor.health().mode == mode)
    assert members(run.pid, str(run.pk)) == []


def changed_project(tmp_path, code):
    copy = tmp_path / "changed"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "conf.py").open("a") as conf:
        conf.write(code)
    return str(copy)


def test_what_a_page_asks_for_by_itself_is_kept_from_the_inside_too(bench, site, inner, settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    inside = f"{inner.url}/ok"
    ways = f"{inside}~/elsewhere?to={inside}~frame:{inside}"
    run = bench.until_ended(bench.queue("rendered", arguments={"url": page(site, ways)}), 90)
    assert bench.log(run).count("Refused to read") >= 3
    assert site.hits["/elsewhere"] == 1
    assert inner.hits["/ok"] == 0
    assert bench.items(run)[0]["seen"] == "refused refused framed"


def test_a_name_that_leads_inside_is_refused_when_the_browser_connects(
    bench, inner, settings, tmp_path
):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    settings.SCRAPY_PROJECT_PATH = changed_project(tmp_path, LIES)
    bench.replace_worker()
    url = f"http://inside.example:{inner.server.server_port}/ok"
    run = bench.until_ended(bench.queue("rendered", arguments={"url": url}), 90)
    assert (run.status, run.reason) == ("failed", "address_refused")
    assert inner.hits["/ok"] == 0


@pytest.mark.long
def test_stopping_a_run_ends_its_browser(bench, site):
    arguments = {"url": page(site, "/ok"), "then": 300}
    run = bench.until_item(bench.queue("rendered", arguments=arguments), 90)
    assert any(name.startswith(("chrom", "headless")) for name in programs(run)), programs(run)
    cancel_run(run_id=run.pk)
    bench.until_ended(run, 90)
    assert run.status == "cancelled"
    assert members(run.pid, str(run.pk)) == []

"""Each is told to end once: what doesn't take notice goes on until the test has had enough."""

from __future__ import annotations

import pytest

LONG = 40
REACTORS = {
    "asyncio": "",
    "none": "TWISTED_REACTOR_ENABLED = False\n",
    "crawler process": "FORCE_CRAWLER_PROCESS = True\n",
}


@pytest.fixture
def change(project):
    def add(text):
        with (project / "conf.py").open("a") as conf:
            conf.write(f"{text}\n")

    return add


def closed_well(answer):
    outcome, log = answer
    assert outcome["finish_reason"] == "shutdown", log
    assert "Spider closed (shutdown)" in log
    assert (outcome["final"], outcome["first_error"]) == (True, None)
    return outcome


def test_an_item_of_start_that_is_under_way_is_waited_for_and_not_for_ever(perform, change):
    change("ITEM_PIPELINES = {'tasks.TellWithAnItem': 1}")
    assert closed_well(perform("told_by_a_pipeline", timeout=LONG))["items_stored"] == 1


def test_a_spider_without_pages_ends_at_its_limit_of_items(perform):
    settings = {"CLOSESPIDER_ITEMCOUNT": 3}
    outcome, _log = perform("endless", settings=settings, timeout=LONG)
    assert outcome["finish_reason"] == "closespider_itemcount"


@pytest.mark.parametrize("reactor", REACTORS)
def test_who_is_told_while_it_opens_closes_what_it_opened(perform, change, reactor):
    change(f"ITEM_PIPELINES = {{'tasks.TellWhileItOpens': 1}}\n{REACTORS[reactor]}")
    closed_well(perform("endless", timeout=LONG))


@pytest.mark.parametrize("wanted", ["", "/ok/too"])
def test_pages_that_wait_for_their_turn_are_not_read(perform, site, wanted):
    answer = perform(
        "told_by_a_page",
        arguments={"url": f"{site.url}/ok", "wanted": wanted and site.url + wanted},
        settings={"DOWNLOAD_DELAY": 600},
        timeout=LONG,
    )
    assert closed_well(answer)["items_stored"] == 1
    assert site.server.hits == {"/ok": 1}


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_silent_site_is_not_waited_for(perform, change, site, reactor):
    change(REACTORS[reactor])
    answer = perform(
        "told_while_it_reads",
        arguments={"url": f"{site.url}/hangs", "more": 3},
        settings={"DOWNLOAD_TIMEOUT": 600, "ROBOTSTXT_OBEY": False},
        timeout=LONG,
    )
    closed_well(answer)
    assert "Stopping without the answers to" in answer[1]


def test_a_long_start_hears_that_it_shall_end(perform, site):
    _outcome, log = answer = perform(
        "told_while_it_reads",
        arguments={"url": f"{site.url}/hangs", "more": 60_000},
        settings={"DOWNLOAD_TIMEOUT": 600, "CONCURRENT_REQUESTS": 1, "ROBOTSTXT_OBEY": False},
        timeout=LONG,
    )
    closed_well(answer)
    assert "all was read of start()" not in log


@pytest.mark.parametrize("resolver", ["CachingThreadedResolver", "CachingHostnameResolver"])
def test_a_name_server_that_is_silent_is_not_waited_for(perform, change, resolver):
    change(
        "import os, signal, socket, time\n"
        "def silent(*question):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(600)\n"
        "socket.gethostbyname = silent\n"
        "from twisted.internet._resolver import GAIResolver\n"
        "GAIResolver.__init__.__defaults__ = (None, silent)\n"
        f"TWISTED_DNS_RESOLVER = 'scrapy.resolver.{resolver}'"
    )
    closed_well(perform("pages", arguments={"start_urls": "http://silent.example/"}, timeout=LONG))

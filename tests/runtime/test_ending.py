"""Each is told to end once: what doesn't take notice goes on until the test has had enough."""

from __future__ import annotations

import pytest

LONG = 40
REACTORS = {
    "asyncio": "",
    "none": "TWISTED_REACTOR_ENABLED = False\n",
    "crawler process": "FORCE_CRAWLER_PROCESS = True\n",
}
WITHOUT = {"without asyncio": "TWISTED_REACTOR = 'twisted.internet.selectreactor.SelectReactor'\n"}


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


@pytest.mark.parametrize(
    ("how", "items", "reactor"),
    [
        ("yields", 1, "asyncio"),
        ("returns", 0, "asyncio"),
        ("leaves_it_to_a_pipeline", 1, "asyncio"),
        *[("comes_late", 1, reactor) for reactor in (*REACTORS, *WITHOUT)],
    ],
)
def test_callbacks_and_pipelines_that_wait_themselves_are_left_behind(
    perform, change, site, tmp_path, how, items, reactor
):
    """And what they come up with afterwards, while all is closed, is not taken for an error."""
    feed = tmp_path / "feed.jsonl"
    change(f"ITEM_PIPELINES = {{'tasks.TellAndWait': 1}}\n{(REACTORS | WITHOUT)[reactor]}")
    change(f"FEEDS = {{{str(feed)!r}: {{'format': 'jsonlines'}}}}")
    _outcome, log = answer = perform(
        "told_by_a_callback", arguments={"url": f"{site.url}/ok", "how": how}, timeout=LONG
    )
    assert closed_well(answer).get("items_stored", 0) == items
    assert "the pipeline is closed" in log
    assert "Error" not in log
    assert len(feed.read_text().splitlines() if feed.exists() else []) == items


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

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from tasks.runtime.addresses import Rules
from tasks.runtime.context import RunContext
from tasks.runtime.guard import AddressRefused, guard_reactor
from tasks.runtime.order import Order

HANDLERS = (
    "DOWNLOAD_HANDLERS = dict.fromkeys(['http', 'https'], 'scrapy.core.downloader.handlers.{}')\n"
)
REACTORS = {
    "asyncio": "",
    "select": "TWISTED_REACTOR = 'twisted.internet.selectreactor.SelectReactor'\n",
    "none": "TWISTED_REACTOR_ENABLED = False\n",
    "aiohttp on a reactor": HANDLERS.format("_aiohttp.AiohttpDownloadHandler"),
    "httpx": HANDLERS.format("_httpx.HttpxDownloadHandler"),
    "crawler process": "FORCE_CRAWLER_PROCESS = True\n",
}


@pytest.mark.parametrize("reactor", REACTORS)
def test_every_kind_of_reactor_crawls_and_is_kept_from_private_addresses(
    perform, project, site, reactor
):
    with (project / "conf.py").open("a") as conf:
        conf.write(REACTORS[reactor])
    urls = f"{site.url}/ok http://localhost:{site.server.server_port}/ok"
    outcome, log = perform(
        "pages",
        arguments={"start_urls": urls},
        allowed=(),
        allowed_urls=[f"{site.url}/ok"],
    )
    assert outcome["stats"]["item_scraped_count"] == 1, log
    assert outcome["refused"] == [f"http://localhost:{site.server.server_port}/ok"]


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_name_that_leads_inside_is_refused_when_connecting(perform, project, site, reactor):
    """The name looks public and is resolved only by the crawl: as with DNS rebinding."""
    with (project / "conf.py").open("a") as conf:
        conf.write(REACTORS[reactor])
        conf.write(
            "import socket\n"
            "_real = socket.getaddrinfo\n"
            "def _lie(host, *args, **kwargs):\n"
            "    host = '127.0.0.1' if host in ('inside.example', b'inside.example') else host\n"
            "    return _real(host, *args, **kwargs)\n"
            "socket.getaddrinfo = _lie\n"
            "socket.gethostbyname = lambda name: _lie(name, 0)[0][4][0]\n"
        )
    port = site.server.server_port
    outcome, log = perform(
        "pages", arguments={"start_urls": f"http://inside.example:{port}/ok"}, allowed=()
    )
    assert outcome["stats"].get("item_scraped_count", 0) == 0
    assert outcome["refused"] == [f"127.0.0.1:{port}"], log
    assert site.hits["/ok"] == 0


def test_a_redirect_to_the_inside_is_refused(perform, site):
    target = f"http://127.0.0.1:{site.server.server_port}/ok"
    outcome, _log = perform(
        "pages",
        arguments={"start_urls": f"{site.url}/elsewhere?to={target}"},
        allowed=(),
        allowed_urls=[f"{site.url}/elsewhere"],
    )
    assert outcome["refused"] == [target]
    assert site.hits["/ok"] == 0


def test_connections_of_proxies_by_name_are_left_to_code():
    made = []

    class Reactor:
        def connectTCP(self, host, port):
            made.append((host, port))

    reactor = Reactor()
    context = RunContext(Path(), Order(run_id="r", token="t", spider="s"), Rules())
    guard_reactor(reactor, context)
    reactor.connectTCP("proxy.example", 3128)
    reactor.connectTCP("93.184.216.34", 80)
    with pytest.raises(AddressRefused):
        reactor.connectTCP("10.0.0.1", 80)
    assert made == [("proxy.example", 3128), ("93.184.216.34", 80)]


def test_a_task_can_only_lower_the_size_of_pages_and_only_switch_robots_on(perform, project, site):
    with (project / "conf.py").open("a") as conf:
        conf.write("DOWNLOAD_MAXSIZE = 5\n")
    outcome, log = perform(
        "pages",
        arguments={"start_urls": f"{site.url}/ok"},
        settings={"DOWNLOAD_MAXSIZE": 100_000},
    )
    assert outcome["stats"].get("item_scraped_count", 0) == 0
    assert "larger than download max size (5)" in log


def test_limits_hold_inside_the_process(perform, project):
    (project / "spiders" / "limits.py").write_text(
        "import resource, scrapy\n"
        "class Limits(scrapy.Spider):\n"
        "    name = 'limits'\n"
        "    async def start(self):\n"
        "        yield {'files': resource.getrlimit(resource.RLIMIT_NOFILE)[0],\n"
        "               'core': resource.getrlimit(resource.RLIMIT_CORE)[0],\n"
        "               'cpu': resource.getrlimit(resource.RLIMIT_CPU)[0]}\n"
    )
    perform("limits", limits={"open_files": 256, "cpu_seconds": 30})
    item = json.loads((project.parent / "run" / "items.jsonl").read_text())
    soft = min(256, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    assert item == {"files": soft, "core": 0, "cpu": 30, "stamp": "wild"}


def test_an_order_for_somebody_else_is_not_run(perform, tmp_path):
    with pytest.raises(FileNotFoundError):
        perform("echo", token="another")
    assert "withdrawn" in (tmp_path / "run" / "run.log").read_text()


def test_items_beyond_the_limit_are_counted_as_lost(perform):
    outcome, _log = perform("shouts", limits={"items_bytes": 5})
    assert (outcome["items_stored"], outcome["items_lost"]) == (0, 1)
    assert "limit" in outcome["items_error"]


def test_a_loud_spider_ends_well(perform, tmp_path):
    outcome, log = perform("shouts", arguments={"megabytes": 3})
    assert outcome["finish_reason"] == "finished"
    assert log.rstrip().endswith("Spider closed (finished)")


def test_a_log_names_the_pages_and_not_the_parts_of_scrapy(perform, site):
    address = f"{site.url}/ok?page=2&api_key=hush-hush"
    given = {"arguments": {"start_urls": address}, "secrets": []}
    _outcome, log = perform("pages", **given)
    assert f"INFO: Read {site.url}/ok?page=2&api_key=••••••\n" in log
    for noise in ("Enabled ", "Overridden settings", "Dumping Scrapy stats"):
        assert noise not in log
    assert "Spider opened" in log


def test_who_wants_every_detail_of_a_log_gets_it(perform, project, site):
    with (project / "conf.py").open("a") as conf:
        conf.write("LOG_LEVEL = 'DEBUG'\nLOG_FORMATTER = 'scrapy.logformatter.LogFormatter'\n")
    _outcome, log = perform("pages", arguments={"start_urls": f"{site.url}/ok"})
    for detail in ("Enabled item pipelines", "Overridden settings", "DEBUG: Crawled (200)"):
        assert detail in log


def test_what_a_project_switches_off_or_replaces_of_scrapys_own_stays_so(perform, project, site):
    with (project / "conf.py").open("a") as conf:
        conf.write(
            "DOWNLOADER_MIDDLEWARES = {\n"
            "    'scrapy.downloadermiddlewares.useragent.UserAgentMiddleware': None,\n"
            "    'scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware': 7,\n"
            "}\n"
            "EXTENSIONS = {'scrapy.extensions.logstats.LogStats': None}\n"
            "LOG_LEVEL = 'DEBUG'\n"
            "DOWNLOAD_HANDLERS = {'http': 'handlers.Canned'}\n"
        )
    (project / "handlers.py").write_text(
        "from scrapy.http import TextResponse\n"
        "class Canned:\n"
        "    lazy = True\n"
        "    async def download_request(self, request):\n"
        "        return TextResponse(request.url, body=b'canned', request=request)\n"
        "    async def close(self): pass\n"
    )
    outcome, log = perform("pages", arguments={"start_urls": f"{site.url}/ok"})
    assert outcome["stats"].get("item_scraped_count") == 1, log
    assert site.hits["/ok"] == 0
    assert "LogStats" not in log
    enabled = log.partition("Enabled downloader middlewares:")[2].partition("]\n")[0]
    assert "UserAgent" not in enabled
    assert enabled.index("AddressGuard") < enabled.index("HttpAuth") < enabled.index("Offsite")


def test_add_ons_and_middlewares_of_a_project_take_part(perform, project, site):
    with (project / "conf.py").open("a") as conf:
        conf.write(
            "ADDONS = {'parts.AddOn': 1}\n"
            "SPIDER_MIDDLEWARES = {'parts.Outgoing': 500}\n"
            "DOWNLOADER_MIDDLEWARES = {'parts.Signed': 500}\n"
        )
    (project / "parts.py").write_text(
        "class AddOn:\n"
        "    def update_settings(self, settings):\n"
        "        settings['ITEM_PIPELINES']['parts.Count'] = 400\n"
        "class Count:\n"
        "    def process_item(self, item):\n"
        "        return {**item, 'by_add_on': True}\n"
        "class Outgoing:\n"
        "    async def process_spider_output_async(self, response, result):\n"
        "        async for each in result:\n"
        "            yield {**each, 'agent': response.request.headers.get('X-Sign').decode()}\n"
        "    def process_spider_output(self, response, result):\n"
        "        yield from result\n"
        "class Signed:\n"
        "    def process_request(self, request):\n"
        "        request.headers['X-Sign'] = 'signed'\n"
    )
    outcome, log = perform("pages", arguments={"start_urls": f"{site.url}/ok"})
    item = json.loads((project.parent / "run" / "items.jsonl").read_text())
    assert (item["by_add_on"], item["agent"], item["stamp"]) == (True, "signed", "wild"), log
    assert outcome["finish_reason"] == "finished"

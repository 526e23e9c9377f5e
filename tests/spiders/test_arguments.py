from __future__ import annotations

import pytest
from pydantic import ValidationError
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from spiders.page_watch import PageWatchParams
from spiders.search import SearchParams
from spiders.settings import SPIDER_MODULES
from spiders.vivbliss import VivblissParams

LOADER = SpiderLoader(Settings({"SPIDER_MODULES": SPIDER_MODULES}))


@pytest.mark.parametrize(
    "given",
    [
        "https://a.example/x,y https://b.example/",
        "https://a.example/x,y,https://b.example/",
        "https://a.example/x,y\r\n\r\n https://b.example/ \n",
        ["https://a.example/x,y", "https://b.example/"],
    ],
)
def test_addresses_may_be_parted_by_spaces_lines_or_commas(given):
    found = VivblissParams(start_urls=given).start_urls
    assert found == ["https://a.example/x,y", "https://b.example/"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "javascript:alert(1)",
        "a.example",
        "http://",
        "http://user:word@a.example/",
        "http://a.example/\x00",
        "http://[::1",
        "http://a.example:99999/",
        "data:text/html,x",
        "",
    ],
)
def test_only_web_addresses_are_accepted(url):
    with pytest.raises(ValidationError):
        VivblissParams(start_urls=[url])


def test_arguments_that_are_not_declared_are_refused_but_those_of_scrapyd():
    with pytest.raises(ValidationError, match="Extra inputs"):
        VivblissParams(start_urls="http://a.example/", max_page=1)
    assert VivblissParams(start_urls="http://a.example/", _job="1").max_pages == 200


def test_a_wrong_selector_is_refused_when_the_spider_starts():
    with pytest.raises(ValidationError, match="not a CSS selector"):
        PageWatchParams(start_urls="http://a.example/", selector="p[")


def test_a_search_source_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValidationError, match=r"There are: bing, demo, google"):
        SearchParams(query="x", sources="yahoo")


@pytest.mark.parametrize("name", sorted(LOADER.list()))
def test_every_argument_has_a_title_and_every_spider_says_what_it_gives(name):
    spider = LOADER.load(name)
    schema = spider.get_param_schema(normalize=True)
    assert all(
        each["title"] and not each["title"].islower() for each in schema["properties"].values()
    )
    assert spider.metadata["title"]
    assert spider.metadata["description"]
    assert set(spider.metadata["gives"]) == set(spider.metadata["columns"])
    assert "start" in vars(spider)

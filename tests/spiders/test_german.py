"""What the spiders here say of themselves is read by staff."""

from __future__ import annotations

import pytest

from spiders.page_watch import PageWatchSpider
from spiders.search import SearchSpider
from spiders.seo import SeoSpider
from spiders.sitemap_watch import SitemapWatchSpider
from spiders.vivbliss import VivblissSpider
from tasks.management.translations import read
from tests.environment import ROOT

SPIDERS = [PageWatchSpider, SearchSpider, SeoSpider, SitemapWatchSpider, VivblissSpider]
GERMAN = read((ROOT / "spiders/locale/de/LC_MESSAGES/django.po").read_text("utf-8"))


def texts_of(spider):
    yield spider.metadata["title"]
    yield spider.metadata["description"]
    for columns in spider.metadata["columns"].values():
        yield from columns.values()
    for declared in spider.get_param_schema()["properties"].values():
        yield from (declared[key] for key in ("title", "description", "unit") if key in declared)


@pytest.mark.parametrize("spider", SPIDERS, ids=lambda spider: spider.name)
def test_every_text_of_a_spider_is_known_in_german(spider):
    assert {text for text in texts_of(spider) if not GERMAN.get(text)} == set()


def test_no_german_text_is_left_over():
    assert set(GERMAN) - {""} == {text for spider in SPIDERS for text in texts_of(spider)}

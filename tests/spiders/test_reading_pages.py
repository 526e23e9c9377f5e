from __future__ import annotations

import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itemadapter import ItemAdapter
from parsel import Selector
from scrapy.exceptions import DropItem

from spiders.items import Product
from spiders.parsing.changes import compare_entries, compare_text
from spiders.parsing.feeds import Entry, NotAFeed, parse_listing
from spiders.parsing.seo import describe_page, page_links
from spiders.parsing.sources import (
    BadSource,
    load_source,
    next_address,
    parse_results,
    source_files,
)
from spiders.parsing.text import visible_lines
from spiders.pipelines import CleanTextPipeline, DropDuplicatesPipeline
from spiders.state import StateFile
from tests.spiders.pages_on_disk import PAGES, page


def test_a_page_is_described_as_search_engines_see_it():
    response = page("article.html", "https://news.example/en/article")
    found = describe_page(response.selector, response.urljoin(""), response.url)
    assert (
        found.title == "A title that is decidedly longer than the sixty characters that are shown"
    )
    assert found.description == "Short & clear"
    assert found.h1 == ["First heading", "Second"]
    assert found.canonical == "https://news.example/en/other"
    assert found.language == "en-GB"
    assert found.robots == "NOINDEX, follow"
    assert found.hreflang == {
        "de": "https://news.example/de/artikel",
        "x-default": "https://news.example/",
    }
    assert found.word_count == 11
    assert found.problems == [
        "The title is longer than 60 characters",
        "2 headings (h1) instead of one",
        "The canonical address is another page",
        "Hidden from search engines (noindex)",
        "1 picture without a text (alt)",
    ]


def test_links_are_listed_once_absolute_and_without_mail_and_scripts():
    response = page("article.html", "https://news.example/en/article")
    assert page_links(response.selector, response.urljoin("")) == [
        ("https://news.example/en/more", "Read more", False),
        ("https://other.example/ad", "Ad", True),
    ]


def test_an_empty_page_has_problems_and_no_error():
    selector = Selector("")
    found = describe_page(selector, "https://a.example/", "https://a.example/")
    assert found.problems == ["No title", "No description", "No heading (h1)"]


def test_visible_text_has_a_line_for_each_block_and_row_and_nothing_hidden():
    selector = Selector(
        "<body>One<b> bold</b> line<p>Two<br>three</p><script>x</script><style>y</style>"
        "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>tail<!-- no -->"
    )
    assert visible_lines(selector) == ["One bold line", "Two", "three", "a b", "c", "tail"]


@pytest.mark.parametrize("name", ["feed_rss.xml", "feed_atom.xml", "feed_broken.xml"])
def test_feeds_of_every_kind_list_their_entries(name):
    body = (PAGES / name).read_bytes()
    entries = list(parse_listing(body, "https://news.example/feed").entries.values())
    assert [(entry.url, entry.title) for entry in entries] == [
        ("https://news.example/1", "First & foremost"),
        ("https://news.example/2", "Zweites Stück"),
    ]
    assert entries[0].modified


def test_a_packed_sitemap_and_a_plain_list_of_addresses_are_read():
    plain = b"https://a.example/1\nhttps://a.example/2\n"
    for body in (plain, gzip.compress(plain)):
        assert list(parse_listing(body, "https://a.example/map.txt").entries) == [
            "https://a.example/1",
            "https://a.example/2",
        ]


def test_robots_txt_names_its_sitemaps():
    body = b"User-agent: *\nSitemap: /one.xml\nsitemap: https://b.example/two.xml\n"
    found = parse_listing(body, "https://a.example/robots.txt").children
    assert found == ["https://a.example/one.xml", "https://b.example/two.xml"]


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>404</body></html>", b"just words", b"\x1f\x8bbroken", b"<"]
)
def test_what_is_neither_sitemap_nor_feed_is_said_to_be_so(body):
    with pytest.raises(NotAFeed):
        parse_listing(body, "https://a.example/sitemap.xml")


def test_entities_of_a_hostile_feed_are_never_resolved():
    body = (
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">'
        b'<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        b"<rss><channel><item><title>&f;&b;</title><link>https://a.example/</link></item>"
        b"</channel></rss>"
    )
    entry = next(iter(parse_listing(body, "https://a.example/").entries.values()))
    assert "root" not in (entry.title or "")
    assert "haha" not in (entry.title or "")


@given(st.binary(max_size=500))
def test_any_bytes_are_a_listing_or_not_a_feed(body):
    with contextlib.suppress(NotAFeed):
        parse_listing(body, "https://a.example/sitemap.xml")


def entry(key, digest):
    return Entry(key=key, url=f"https://a.example/{key}", digest=digest)


def test_new_changed_and_gone_entries_are_told_apart():
    before = {key: {"digest": "1", "url": key, "modified": "then"} for key in "abc"}
    after = {key: entry(key, digest) for key, digest in {"b": "1", "c": "2", "d": "1"}.items()}
    found = [
        (each.change, each.entry.key) for each in compare_entries(before, after, complete=True)
    ]
    assert found == [("changed", "c"), ("new", "d"), ("gone", "a")]
    partly = [each.change for each in compare_entries(before, after, complete=False)]
    assert partly == ["changed", "new"]


def test_a_changed_text_is_shown_as_added_and_removed_lines():
    change = compare_text(["a", "b", "c"], ["a", "x", "c", "d"])
    assert (change.added, change.removed) == (["x", "d"], ["b"])
    assert change.difference.splitlines()[1:] == [" a", "-b", "+x", " c", "+d"]
    assert compare_text(["a"], ["a"]) is None


def test_every_built_in_source_is_valid_and_the_demo_source_reads_its_page():
    assert set(source_files()) == {"google", "bing", "demo"}
    sources = {name: load_source(name) for name in source_files()}
    assert sources["google"].address("oak & ash", 3).endswith("?q=oak+%26+ash&start=20")
    response = page("results.html", "https://find.example/search")
    google = sources["google"]
    assert list(parse_results(response.selector, response.url, google)) == [
        ("Oak", "https://trees.example/oak", "A tree"),
        ("Ash", "https://trees.example/ash", None),
    ]
    bing = sources["bing"]
    assert next_address(response.selector, response.url, bing) == "https://find.example/search?p=2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "X"', "wrong url"),
        ("title = ", "can't be read"),
        (
            'title="X"\nurl="https://a.example/"\nresults="li"\n[fields]\ntitle="a"\nurl="a"',
            "query",
        ),
        ('title="X"\nurl="file:///{query}"\nresults="li"\n[fields]\ntitle="a"\nurl="a"', "address"),
        (
            'title="X"\nurl="http://a.example/{query}"\nresults="["\n[fields]\ntitle="a"\nurl="a"',
            "not a CSS selector",
        ),
    ],
)
def test_a_source_with_a_mistake_is_named_with_the_mistake(tmp_path, monkeypatch, text, message):
    (tmp_path / "own.toml").write_text(text)
    monkeypatch.setenv("SEARCH_SOURCES_DIR", str(tmp_path))
    with pytest.raises(BadSource, match=f"(?s)'own'.*{message}"):
        load_source("own")


def test_state_is_whole_or_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIDER_STATE_DIR", str(tmp_path / "state"))
    state = StateFile("page_watch", "https://a.example/", "main")
    assert state.load() is None
    state.save({"lines": ["ä"]})
    assert state.load() == {"lines": ["ä"]}
    assert StateFile("page_watch", "https://a.example/", "body").load() is None
    with pytest.raises(TypeError):
        state.save({"lines": object()})
    assert state.load() == {"lines": ["ä"]}
    assert [path.suffix for path in state.path.parent.iterdir()] == [".json"]
    for broken in ("", "[]", '{"version": 99, "data": {}}', '{"version": 1, "data": 3}', "\ufeff{"):
        state.path.write_text(broken)
        assert state.load() is None


def test_items_lose_control_characters_and_come_once():
    product = Product(name="Kettle\x00\x1b[31m", url="u", breadcrumbs=["a\ud800", "b\tc\n"])
    cleaned = CleanTextPipeline().process_item(product)
    assert ItemAdapter(cleaned)["name"] == "Kettle[31m"
    assert cleaned.breadcrumbs == ["a", "b\tc\n"]
    once = DropDuplicatesPipeline()
    once.process_item(cleaned)
    with pytest.raises(DropItem):
        once.process_item(Product(name="Kettle[31m", url="u", breadcrumbs=["a", "b\tc\n"]))
    once.process_item(Product(name="Kettle", url="u"))

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.environment import ROOT
from tests.spiders.site import Answer, crawl, sitemap

PRODUCT = """<html><script type="application/ld+json">{{"@type":"Product","name":"Thing {0}",
"offers":{{"@type":"Offer","price":"{0}.50","priceCurrency":"SEK"}}}}</script><h1>Thing {0}</h1>"""


def test_scrapy_lists_the_spiders_from_the_root_of_the_project():
    command = [sys.executable, "-m", "scrapy", "list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["page_watch", "search", "seo", "sitemap_watch", "vivbliss"]


def test_the_shop_spider_reads_the_demo_shop_in_all_three_ways_of_markup(live_server, tmp_path):
    url = f"{live_server.url}/demo/"
    done = crawl(tmp_path, "vivbliss", start_urls=url, category="garden")
    assert done.code == 0
    assert {item["category"] for item in done.items} == {"Garden"}
    assert {"Ash Handle Spade", "Zinc Watering Can", "Bypass Secateurs"} <= {
        item["name"] for item in done.items
    }
    assert all(item["price"] > 0 and item["currency"] == "EUR" for item in done.items)
    assert all(item["availability"] and item["image"] and item["sku"] for item in done.items)


def test_pages_without_end_stop_at_the_page_limit(site, tmp_path):
    def category(path):
        number = int(path.partition("page=")[2] or 1)
        return Answer(
            f'<li class="product-item"><a href="/p/{number}">x</a></li>'
            f'<a rel="next" href="/shop?page={number + 1}">next</a>'
        )

    site.pages["/shop"] = category
    site.pages |= {f"/p/{number}": PRODUCT.format(number) for number in range(1, 40)}
    done = crawl(tmp_path, "vivbliss", start_urls=site.url("/shop"), max_pages=9)
    pages = [path for path in site.asked if path != "/robots.txt"]
    assert len(pages) == 9
    assert "page_limit/skipped" in done.log
    assert len(done.items) == sum(path.startswith("/p/") for path in pages) > 2


def test_a_category_that_the_shop_does_not_have_is_named_with_those_it_has(site, tmp_path):
    site.pages["/"] = '<nav><a href="/category/lamps/">Lamps</a></nav>'
    done = crawl(tmp_path, "vivbliss", start_urls=site.url("/"), category="boats")
    assert done.items == []
    assert "No category is called 'boats'. The shop has: Lamps" in done.log


def test_robots_txt_is_obeyed(site, tmp_path):
    site.pages["/robots.txt"] = Answer("User-agent: *\nDisallow: /p/")
    site.pages["/"] = '<li class="product"><a href="/p/1">x</a><a href="/item/2">y</a></li>'
    site.pages["/item/2"] = PRODUCT.format(2)
    done = crawl(tmp_path, "vivbliss", start_urls=site.url("/"))
    assert [item["name"] for item in done.items] == ["Thing 2"]
    assert "/p/1" not in site.asked


def test_the_site_check_finds_broken_links_languages_and_redirects(live_server, tmp_path):
    done = crawl(
        tmp_path, "seo", start_urls=f"{live_server.url}/demo/about/", depth=1, max_pages=60
    )
    about = next(item for item in done.items if item["url"].endswith("/about/"))
    assert (about["status"], about["depth"]) == (200, 0)
    assert set(about["hreflang"]) == {"en", "de"}
    broken = {
        (item["url"].rsplit("/demo/")[1], item["status"])
        for item in done.items
        if "found_on" in item
    }
    assert broken == {("gift-cards/", 404)}
    front = [item for item in done.items if item["url"].endswith("/demo/")]
    assert len(front) == 1


def test_the_site_check_says_why_a_link_is_broken(site, tmp_path):
    site.pages["/"] = (
        '<title>T</title><a href="/loop">a</a><a href="/gone">b</a><a href="/head">c</a>'
        '<a href="http://127.0.0.1:9/closed">d</a><a href="/file.pdf">e</a>'
    )
    site.pages["/loop"] = Answer(status=302, headers={"Location": "/loop2"})
    site.pages["/loop2"] = Answer(status=302, headers={"Location": "/loop"})
    site.pages["/file.pdf"] = Answer(b"%PDF-1.4", headers={"Content-Type": "application/pdf"})
    site.pages["/head"] = "<title>Only by GET</title>"
    answer = site.answer

    def refuse_head(method, path):
        found = answer(method, path)
        return Answer(status=405) if (method, path) == ("HEAD", "/head") else found

    site.answer = refuse_head
    done = crawl(tmp_path, "seo", start_urls=site.url("/"), depth=0)
    reasons = {item["text"]: item["reason"] for item in done.items if "found_on" in item}
    assert reasons == {
        "a": "It redirects in a circle",
        "b": "Not Found (404)",
        "d": "The connection was refused",
    }
    assert "/head" in site.asked


def test_a_site_that_is_down_is_an_error_in_words(tmp_path):
    done = crawl(tmp_path, "seo", start_urls="http://127.0.0.1:9/")
    assert done.items == []
    assert "http://127.0.0.1:9/ could not be read: The connection was refused" in done.log


def test_search_ranks_the_results_over_pages_and_leaves_out_who_forbids_spiders(
    live_server, site, tmp_path, monkeypatch
):
    site.pages["/robots.txt"] = Answer("User-agent: *\nDisallow: /find")
    (tmp_path / "closed.toml").write_text(
        f'title = "Closed"\nurl = "{site.url("/find?q={query}")}"\nresults = "li"\n'
        '[fields]\ntitle = "a"\nurl = "a::attr(href)"\n'
    )
    monkeypatch.setenv("SEARCH_SOURCES_DIR", str(tmp_path))
    done = crawl(
        tmp_path,
        "search",
        query="o",
        sources="demo, closed",
        max_results=12,
        demo_url=f"{live_server.url}/demo/",
    )
    assert [item["rank"] for item in done.items] == list(range(1, 13))
    assert len({item["url"] for item in done.items}) == 12
    assert "Closed does not allow spiders on its result pages (robots.txt)" in done.log


@pytest.mark.long
def test_a_sitemap_is_compared_with_the_last_good_run(site, tmp_path):
    site.pages["/sitemap.xml"] = sitemap((site.url("/part.xml.gz"), ""), kind="sitemapindex")
    pages = [(site.url("/a"), "2026-01-01"), (site.url("/b"), "2026-01-01")]
    site.pages["/part.xml.gz"] = sitemap(*pages, packed=True)

    def changes():
        done = crawl(tmp_path, "sitemap_watch", url=site.url("/sitemap.xml"))
        return sorted((item["change"], item["url"][-2:]) for item in done.items)

    assert changes() == [("new", "/a"), ("new", "/b")]
    assert changes() == []
    site.pages["/part.xml.gz"] = sitemap((site.url("/b"), "2026-02-02"), (site.url("/c"), ""))
    assert changes() == [("changed", "/b"), ("gone", "/a"), ("new", "/c")]
    good = site.pages["/part.xml.gz"]
    site.pages["/part.xml.gz"] = Answer(status=500)
    assert changes() == []
    site.pages["/part.xml.gz"] = good
    assert changes() == []


def test_a_page_gives_an_item_only_when_the_watched_part_changed(site, tmp_path):
    html = '<title>Prices</title><main><p>Oil</p><p>{}</p><b class="clock">{}</b></main><i>{}</i>'

    def watch(*parts):
        site.pages["/"] = html.format(*parts)
        return crawl(
            tmp_path, "page_watch", start_urls=site.url("/"), selector="main", ignore=".clock"
        ).items

    assert watch("10 kr", "12:00", "ad") == []
    assert watch("10 kr", "12:05", "other ad") == []
    changed = watch("12 kr", "12:10", "ad")
    assert [(item["added"], item["removed"]) for item in changed] == [(["12 kr"], ["10 kr"])]
    assert watch("12 kr", "12:15", "ad") == []


def test_a_watched_part_that_is_gone_is_an_error_and_not_a_change(site, tmp_path):
    site.pages["/"] = "<main>one</main>"
    crawl(tmp_path, "page_watch", start_urls=site.url("/"), selector="main")
    site.pages["/"] = "<div>new layout</div>"
    done = crawl(tmp_path, "page_watch", start_urls=site.url("/"), selector="main")
    assert (done.items, "matches 'main'" in done.log) == ([], True)
    site.pages["/"] = "<main>one</main>"
    assert crawl(tmp_path, "page_watch", start_urls=site.url("/"), selector="main").items == []


def test_wrong_arguments_end_the_crawl_with_the_name_and_the_reason(tmp_path):
    done = crawl(tmp_path, "vivbliss", start_urls="file:///etc/passwd", depth=3)
    assert done.code == 1
    assert "start_urls.0" in done.log
    assert "Write a whole web address" in done.log
    assert "Extra inputs are not permitted" in done.log

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urljoin

import pytest
from django.test import AsyncClient

from tasks.demo import catalogue
from tests.waiting import run_async

DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(30)]


def links(html, base):
    return {urljoin(base, href).split("#")[0] for href in re.findall(r'href="([^"]+)"', html)}


def test_every_link_of_the_shop_works_but_the_broken_one(client):
    found, queue = {}, ["/demo/"]
    while queue:
        url = queue.pop()
        if url in found or not url.startswith("/demo/") or "stock-report" in url:
            continue
        response = client.get(url)
        found[url] = response.status_code
        if response.status_code == 200 and "html" in response["Content-Type"]:
            queue += links(response.text, url)
    assert {url for url, status in found.items() if status == 404} == {"/demo/gift-cards/"}
    assert {url for url, status in found.items() if status == 301} == {"/demo/old-catalogue/"}
    assert len([url for url in found if "/product/" in url]) >= 50


def test_no_page_has_inline_style_or_script_that_the_policy_would_block(client):
    for path in ("", "about/", "arrivals/", "category/garden/", "search/?q=oak", "private/"):
        html = client.get(f"/demo/{path}").text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=.application/ld)", html)


def test_a_category_has_pages_and_says_404_beyond_the_last(client):
    html = client.get("/demo/category/kitchen/").text
    assert 'rel="next" href="?page=2"' in html
    assert 'rel="prev"' in client.get("/demo/category/kitchen/?page=2").text
    for wrong in ("?page=9", "?page=0", "?page=x"):
        assert client.get(f"/demo/category/kitchen/{wrong}").status_code == 404


def test_search_escapes_what_was_typed(client):
    html = client.get("/demo/search/", {"q": '"><script>x'}).text
    assert "<script>x" not in html
    assert "Nothing found" in html


@pytest.mark.parametrize("path", ["/robots.txt", "/demo/robots.txt"])
def test_robots_txt_closes_the_private_part_and_names_the_sitemap(client, path):
    text = client.get(path).text
    assert "Disallow: /demo/private/" in text
    assert "Sitemap: http://testserver/demo/sitemap.xml" in text


def test_the_shop_answers_only_to_reading(client):
    assert client.post("/demo/").status_code == 405


def test_the_slow_page_waits_without_holding_the_others_up(monkeypatch):
    """All eight wait at the same time, or none ever gets on."""

    async def ask_eight_times():
        everybody = asyncio.Barrier(8)
        monkeypatch.setattr("tasks.demo.views.asyncio.sleep", lambda seconds: everybody.wait())
        pages = (AsyncClient().get("/demo/stock-report/") for _ in range(8))
        return await asyncio.wait_for(asyncio.gather(*pages), 60)

    pages = run_async(ask_eight_times())
    assert [page.status_code for page in pages] == [200] * 8
    assert "which took 2 seconds" in pages[0].text


def test_the_goods_are_the_same_each_time_and_change_from_day_to_day():
    def shelf(day):
        return [(p.sku, p.price(day), p.stock(day)) for p in catalogue.listed(day)]

    assert shelf(DAYS[0]) == shelf(DAYS[0])
    assert len({str(shelf(day)) for day in DAYS}) == len(DAYS)
    assert 55 <= len(list(catalogue.products())) <= 65
    assert len(catalogue.products_by_slug()) == len(list(catalogue.products()))


def test_every_price_is_positive_and_an_offer_is_below_the_list_price():
    for product in catalogue.products():
        for day in DAYS:
            assert 0 < product.price(day) <= product.list_price
            assert product.modified(day) <= day


def test_offers_sold_out_goods_and_seasonal_goods_occur_in_a_month():
    goods = list(catalogue.products())
    assert any(p.is_reduced(day) for p in goods for day in DAYS)
    assert any(p.stock(day) == 0 for p in goods for day in DAYS)
    assert {p.is_listed(day) for p in goods for day in DAYS} == {True, False}


def test_a_delivery_arrives_every_five_minutes():
    at = datetime(2026, 3, 1, 10, 4, 59, tzinfo=UTC)
    before, after = catalogue.arrivals(at), catalogue.arrivals(at + timedelta(seconds=1))
    assert before[0].at == datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    assert after[1:] == before[:-1]
    assert after[0] != before[0]

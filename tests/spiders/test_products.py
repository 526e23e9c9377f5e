from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsel import Selector

from spiders.parsing.listing import (
    Link,
    category_links,
    matches_category,
    next_page,
    product_links,
)
from spiders.parsing.product import parse_product
from spiders.parsing.text import too_deep
from tests.spiders.pages_on_disk import page


def product_on(name, url="https://shop.example/en/lamps", **options):
    return parse_product(page(name, url, **options).selector, url)


def test_json_ld_in_a_list_gives_name_price_picture_and_breadcrumbs_in_order():
    product = product_on("product_jsonld_array.html")
    assert product.name == "Trail Shoe"
    assert (product.price, product.currency) == (1299.5, "USD")
    assert product.price_text == "$1,299.50"
    assert product.availability == "few left"
    assert product.image == "https://cdn.fleet.example/shoe.jpg"
    assert product.brand == "Fleet"
    assert product.sku == "TS-9"
    assert product.breadcrumbs == ["Home", "Shoes", "Trail Shoe"]
    assert product.category == "Shoes"
    assert product.url == "https://shop.example/products/trail-shoe"


def test_json_ld_is_found_in_a_graph_with_comment_marks_and_trailing_commas():
    product = product_on("product_jsonld_graph.html")
    assert product.name == "Gießkanne"
    assert (product.price, product.currency) == (1299.0, "EUR")
    assert product.availability == "out of stock"
    assert product.sku == "7731"


def test_a_group_of_variants_takes_the_first_variants_offer():
    product = product_on("product_group.html")
    assert (product.name, product.price, product.currency) == ("Wool Sock", 12.0, "GBP")
    assert product.availability == "pre-order"


def test_microdata_gives_the_product_and_not_the_names_nested_in_it():
    product = product_on("product_microdata.html", "https://vins.example/rouge/bleu")
    assert product.name == "Château Bleu"
    assert (product.price, product.currency) == (1299.0, "EUR")
    assert product.brand == "Domaine Bleu"
    assert product.availability == "in stock"
    assert product.image == "https://vins.example/photos/bleu.jpg"
    assert product.breadcrumbs == ["Accueil", "Vins"]


def test_without_structured_data_common_selectors_are_used_and_struck_prices_ignored():
    product = product_on("product_selectors.html")
    assert product.name == "Pinnstol Ågesta"
    assert (product.price, product.currency) == (1299.0, "SEK")
    assert product.availability == "in stock"
    assert product.image == "https://shop.example/bild/stol.jpg"
    assert (product.breadcrumbs, product.category) == (["Hem", "Stolar"], "Stolar")


def test_an_encoding_that_the_server_names_wrongly_still_gives_the_price():
    wrong = {"Content-Type": "text/html; charset=utf-8"}
    product = product_on("product_selectors.html", headers=wrong)
    assert product.name.startswith("Pinnstol")
    assert (product.price, product.currency) == (1299.0, "SEK")


def test_a_product_whose_price_is_missing_is_delivered_without_one():
    product = product_on("product_without_price.html")
    assert (product.name, product.price, product.currency) == ("Grand Piano", None, None)
    assert product.availability == "in stock"


@pytest.mark.parametrize("name", ["not_a_product.html", "listing.html"])
def test_other_pages_of_a_shop_are_no_products(name):
    assert product_on(name) is None


def test_product_links_come_from_structured_data_selectors_and_paths_without_doubles():
    response = page("listing.html", "https://shop.example/en/lamps")
    found = [link.url for link in product_links(response.selector, response.urljoin(""))]
    assert found == [
        "https://shop.example/en/oak-lamp",
        "https://shop.example/en/pine-lamp",
        "https://shop.example/en/brass-lamp",
        "https://shop.example/products/tin-lamp",
    ]


def test_category_links_are_absolute_and_leave_out_mail_scripts_and_broken_addresses():
    response = page("listing.html", "https://shop.example/en/lamps")
    assert category_links(response.selector, response.urljoin("")) == [
        Link("https://shop.example/en/category/garden-tools/", "Garden tools"),
        Link("https://shop.example/en/category/lamps/?sort=price", "Lamps"),
    ]


def test_the_next_page_follows_the_base_address():
    response = page("listing.html", "https://shop.example/en/lamps")
    assert next_page(response.selector, response.urljoin("")).endswith("/en/lamps?page=2")


def test_a_next_link_to_the_page_itself_is_no_next_page():
    selector = Selector('<a rel="next" href="#">Next</a>')
    assert next_page(selector, "https://shop.example/a") is None


@pytest.mark.parametrize("wanted", ["garden", "Garden Tools", "GARDEN-TOOLS", "tools"])
def test_a_category_is_found_by_part_of_its_name_or_address(wanted):
    link = Link("https://shop.example/category/garden-tools/", "")
    assert matches_category(link, wanted)
    assert not matches_category(link, "kitchen")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda c: (
            st.lists(c)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "@type",
                        "name",
                        "offers",
                        "price",
                        "image",
                        "itemListElement",
                        "url",
                        "@graph",
                    ]
                ),
                c | st.just("Product"),
            )
        ),
    )
)
def test_no_structured_data_whatever_its_shape_breaks_the_parser(data):
    import json

    script = json.dumps(data).replace("<", "\\u003c")
    html = f'<script type="application/ld+json">{script}</script><h1>x</h1>'
    selector = Selector(html)
    parse_product(selector, "https://shop.example/")
    product_links(selector, "https://shop.example/")


def test_a_huge_page_takes_seconds_of_the_processor_and_not_minutes():
    wide = "<li class='product' itemscope itemtype='https://schema.org/Product'>x<a href='/p/{0}'>"
    props = "<b itemprop=name>" * 50 + "</b>" * 50
    nested = '<script type="application/ld+json">' + "[" * 100_000 + "</script>"
    started = time.thread_time()
    selector = Selector(f"<body>{nested}{(wide + props) * 1000}")
    parse_product(selector, "https://shop.example/")
    product_links(selector, "https://shop.example/")
    assert time.thread_time() - started < 20


def test_a_page_nested_by_the_thousand_is_recognised():
    assert too_deep(Selector("<body>" + "<div>" * 2000))
    assert not too_deep(Selector("<body>" + "<div></div>" * 2000))

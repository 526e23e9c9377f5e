from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.parsing.price import parse_amount, parse_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1 299,00 kr", "1299.00", "SEK"),
        ("1\xa0299,00\xa0kr", "1299.00", "SEK"),
        ("1\u202f299:-", "1299", None),
        ("$1,299.00", "1299.00", "USD"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("1.299 €", "1299", "EUR"),
        ("€ 1.299,-", "1299", "EUR"),
        ("CHF 1’299.50", "1299.50", "CHF"),
        ("CA$12", "12", "CAD"),
        ("from £10.00 to £20.00", "10.00", "GBP"),
        ("₹1,23,456.00", "123456.00", "INR"),
        ("1.234.567", "1234567", None),
        ("0.125 BHD", "0.125", None),
        ("12,5 EUR", "12.5", "EUR"),
        ("USD19", "19", "USD"),
        ("19 USD", "19", "USD"),
        ("1299", "1299", None),
        ("￥１２００", "1200", "JPY"),
        ("Price: 0,99 zł", "0.99", "PLN"),
    ],
)
def test_a_price_is_read_as_people_of_its_country_write_it(text, amount, currency):
    assert parse_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", [None, "", "Sold out", "price on request", "—", "kr"])
def test_a_text_without_a_number_has_no_price(text):
    assert parse_price(text) is None


@pytest.mark.parametrize(
    ("text", "language", "currency"),
    [
        ("10 kr", "da", "DKK"),
        ("10 kr", "nb-NO", "NOK"),
        ("$10", "en-CA", "CAD"),
        ("$10", "en", "USD"),
        ("¥10", "zh-CN", "CNY"),
    ],
)
def test_the_language_of_the_page_settles_a_sign_that_several_countries_use(
    text, language, currency
):
    assert parse_price(text, language=language).currency == currency


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_every_amount_survives_american_german_and_swedish_writing(amount):
    american = f"{amount:,.2f}"
    german = american.translate(str.maketrans(",.", ".,"))
    swedish = american.replace(",", "\xa0").replace(".", ",")
    assert parse_amount(american) == parse_amount(german) == parse_amount(swedish) == amount


@given(st.text(max_size=2000))
def test_any_text_gives_a_finite_price_or_none(text):
    price = parse_price(text)
    assert price is None or price.amount.is_finite()

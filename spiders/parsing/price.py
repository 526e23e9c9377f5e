from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple


class Price(NamedTuple):
    amount: Decimal
    currency: str | None


# Longer signs first: "CA$" must win over "$".
_SIGNS = {
    "CA$": "CAD",
    "C$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "US$": "USD",
    "R$": "BRL",
    "Kč": "CZK",
    "zł": "PLN",
    "Ft": "HUF",
    "€": "EUR",
    "£": "GBP",
    "$": "USD",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
}
_CODES = re.compile(
    r"(?<![A-Za-z])(?:AUD|BGN|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|"
    r"IDR|ILS|INR|ISK|JPY|KRW|MXN|MYR|NOK|NZD|PHP|PLN|"
    r"RON|RUB|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR)(?![A-Za-z])"
)
_KRONA = {"sv": "SEK", "nb": "NOK", "nn": "NOK", "no": "NOK", "da": "DKK", "is": "ISK"}
_LOCAL_SIGN = {
    ("$", "en-ca"): "CAD",
    ("$", "fr-ca"): "CAD",
    ("$", "en-au"): "AUD",
    ("$", "en-nz"): "NZD",
    ("¥", "zh"): "CNY",
    ("¥", "zh-cn"): "CNY",
}

_KR = re.compile(r"(?<![A-Za-zÅÄÖåäö])kr\.?(?![A-Za-zÅÄÖåäö])", re.IGNORECASE)
# Digits with single separators between them; the spaces of all kinds became plain ones before.
_NUMBER = re.compile(r"(?<![\d.,])\d{1,15}(?:[ .,'’]\d{1,15}){0,6}")
_LONGEST = 500


def parse_price(text: str | None, *, language: str = "") -> Price | None:
    """The first amount in a text such as "1 299,00 kr", "$1,299.00" or "from 1.299,- €"."""
    if not text:
        return None
    plain = _plain(text)
    found = _NUMBER.search(plain)
    if not found:
        return None
    amount = parse_amount(found.group())
    return None if amount is None else Price(amount, find_currency(plain, language=language))


def parse_amount(text: str) -> Decimal | None:
    number = re.sub(r"[ '’]", "", _plain(text).strip())
    if not re.fullmatch(r"\d+(?:[.,]\d+)*", number):
        return None
    mark = _decimal_mark(number)
    if mark is None:
        return Decimal(re.sub(r"[.,]", "", number))
    whole, _, fraction = number.rpartition(mark)
    return Decimal(f"{re.sub(r'[.,]', '', whole)}.{fraction}")


def _decimal_mark(number: str) -> str | None:
    marks = [char for char in number if char in ".,"]
    if not marks:
        return None
    last = marks[-1]
    if len(set(marks)) == 2:
        return last if marks.count(last) == 1 else None
    if len(marks) > 1:
        return None
    whole, _, fraction = number.partition(last)
    # "1.299" is a thousand in shops; "0.125" can't be.
    return None if len(fraction) == 3 and len(whole) <= 3 and whole.strip("0") else last


def find_currency(text: str, *, language: str = "") -> str | None:
    plain, language = _plain(text), language.lower()
    if code := _CODES.search(plain):
        return code.group()
    if _KR.search(plain):
        return _KRONA.get(language.split("-")[0], "SEK")
    sign = next((sign for sign in _SIGNS if sign in plain), None)
    return _LOCAL_SIGN.get((sign, language), _SIGNS[sign]) if sign else None


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text[:_LONGEST])
    return re.sub(r"\s+", " ", normal)

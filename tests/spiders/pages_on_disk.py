from __future__ import annotations

from pathlib import Path

from scrapy.http import HtmlResponse

PAGES = Path(__file__).parent / "pages"


def page(name: str, url: str = "https://shop.example/en/lamps", **options: object) -> HtmlResponse:
    return HtmlResponse(url, body=(PAGES / name).read_bytes(), **options)

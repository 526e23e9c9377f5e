"""One product of a shop page: structured data first, then what shops commonly write."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from parsel import Selector

from spiders.items import Product
from spiders.parsing.price import Price, find_currency, parse_amount, parse_price
from spiders.parsing.structured import json_ld, microdata, types_of
from spiders.parsing.text import absolute_url, first, squeeze

_AVAILABILITY = {
    "instock": "in stock",
    "instoreonly": "in store only",
    "onlineonly": "in stock",
    "limitedavailability": "few left",
    "outofstock": "out of stock",
    "soldout": "out of stock",
    "preorder": "pre-order",
    "presale": "pre-order",
    "backorder": "on back-order",
    "discontinued": "discontinued",
}
_OUT_WORDS = ("out of stock", "sold out", "slut i lager", "slutsåld", "ausverkauft", "udsolgt")
_IN_WORDS = ("in stock", "i lager", "auf lager", "lieferbar", "på lager", "en stock")
_PRICE_CSS = (
    '[itemprop="price"]',
    ".product-price",
    ".price-current",
    ".current-price",
    ".sale-price",
    ".price",
    "#price",
)
_CRUMBS_CSS = (
    ".breadcrumbs a, .breadcrumb a, nav[aria-label*=readcrumb] a, .breadcrumb li, .breadcrumbs li"
)


def parse_product(page: Selector, url: str) -> Product | None:
    """None when the page doesn't present one product."""
    nodes = [*json_ld(page), *microdata(page, url)]
    language = page.xpath("string(/html/@lang)").get() or ""
    node = _product_node(nodes)
    product = _from_node(node, url, language) if node else _from_selectors(page, url, language)
    if product is None or not product.name:
        return None
    return _completed(product, page, nodes, url, language)


def _product_node(nodes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """A product with a price of its own; many of them on a page make it a listing."""
    products = [node for node in nodes if types_of(node) & {"Product", "ProductGroup"}]
    groups = [node for node in products if "ProductGroup" in types_of(node)]
    if groups:
        return groups[0]
    offered = [node for node in products if node.get("offers")]
    names = {_text(node.get("name")) for node in offered}
    return offered[0] if len(names) == 1 else None


def _from_node(node: dict[str, Any], url: str, language: str) -> Product:
    offer = _offer(node)
    price = _offer_price(offer, language)
    return Product(
        name=_text(node.get("name")) or "",
        price=_as_float(price),
        currency=price.currency if price else None,
        price_text=_text(offer.get("price")) or _text(offer.get("lowPrice")),
        availability=_availability(_text(offer.get("availability"))),
        category=_text(node.get("category")),
        brand=_text(node.get("brand")),
        sku=_text(node.get("sku")) or _text(node.get("mpn")) or _text(node.get("gtin13")),
        image=absolute_url(url, _text(node.get("image"))),
        url=url,
    )


def _offer(node: dict[str, Any]) -> dict[str, Any]:
    variants = [each for each in _listed(node.get("hasVariant")) if isinstance(each, dict)]
    for holder in (node, *variants):
        for offer in _listed(holder.get("offers")):
            if isinstance(offer, dict):
                return offer
    return {}


def _offer_price(offer: dict[str, Any], language: str) -> Price | None:
    specifications = [s for s in _listed(offer.get("priceSpecification")) if isinstance(s, dict)]
    for holder in (offer, *specifications):
        for key in ("price", "lowPrice"):
            raw = holder.get(key)
            price = _structured_amount(raw, language)
            if price is not None:
                currency = _text(holder.get("priceCurrency") or offer.get("priceCurrency"))
                return Price(price.amount, currency.upper() if currency else price.currency)
    return None


def _structured_amount(raw: Any, language: str) -> Price | None:
    """schema.org prices use a point, so "1.299" there is 1.299 and no thousand."""
    if isinstance(raw, bool) or raw is None:
        return None
    try:
        amount = Decimal(str(raw).strip())
    except InvalidOperation:
        return parse_price(_text(raw), language=language)
    return Price(amount, None) if amount.is_finite() and abs(amount) < 10**15 else None


def _from_selectors(page: Selector, url: str, language: str) -> Product | None:
    amount = page.css('meta[property="product:price:amount"], meta[property="og:price:amount"]')
    kind = page.css('meta[property="og:type"]::attr(content)').get() or ""
    price = _selected_price(page, language)
    marked = amount or kind.startswith("product") or page.css(".add-to-cart, [name=add-to-cart]")
    marked = marked or page.css("form[action*=cart], button[class*=cart], #product, .product-page")
    if not (price and marked):
        return None
    name = first(
        [
            page.css("h1.product-title").xpath("string()").get(),
            page.xpath("string(//h1)").get(),
            page.css('meta[property="og:title"]::attr(content)').get(),
        ]
    )
    return Product(
        name=name or "",
        price=_as_float(price[0]),
        currency=price[0].currency,
        price_text=price[1],
        sku=squeeze(page.css(".sku").xpath("string()").get()) or None,
        brand=squeeze(page.css(".brand, .product-brand").xpath("string()").get()) or None,
        url=url,
    )


def _selected_price(page: Selector, language: str) -> tuple[Price, str] | None:
    meta = page.css('meta[property="product:price:amount"], meta[property="og:price:amount"]')
    if amount := parse_amount(meta.xpath("@content").get() or ""):
        currency = page.css('meta[property$="price:currency"]::attr(content)').get()
        return Price(amount, squeeze(currency) or None), squeeze(meta.xpath("@content").get())
    for css in _PRICE_CSS:
        for node in page.css(css)[:5]:
            text = squeeze(node.attrib.get("content")) or _standing_text(node)
            if price := parse_price(text, language=language):
                return price, text
    return None


def _standing_text(node: Selector) -> str:
    """Without what is struck out: the price of yesterday."""
    texts = node.xpath(".//text()[not(ancestor::s or ancestor::del or ancestor::strike)]")
    return squeeze("".join(texts.getall()))


def _completed(
    product: Product, page: Selector, nodes: list[dict[str, Any]], url: str, language: str
) -> Product:
    shown = _selected_price(page, language)
    if product.price is None and shown:
        product.price, product.currency = _as_float(shown[0]), shown[0].currency
    if shown and (product.price_text is None or product.price == _as_float(shown[0])):
        product.price_text = shown[1]
    product.currency = product.currency or find_currency(product.price_text or "")
    product.url = _canonical(page, url)
    product.image = product.image or absolute_url(url, _picture(page))
    product.availability = product.availability or _availability_in_words(page)
    product.breadcrumbs = _breadcrumbs(page, nodes)
    product.category = product.category or _category(product)
    return product


def _canonical(page: Selector, url: str) -> str:
    """The shop's own address for it, unless it points to another site or the front page."""
    canonical = absolute_url(url, page.css('link[rel="canonical"]::attr(href)').get())
    if canonical and canonical.split("/", 3)[:3] == url.split("/", 3)[:3]:
        return canonical if canonical.split("/", 3)[-1] else url
    return url


def _picture(page: Selector) -> str | None:
    return first(
        [
            page.css('meta[property="og:image"]::attr(content)').get(),
            page.css('[itemprop="image"]::attr(src), .product-image img::attr(src)').get(),
            page.css("main img::attr(src), #product img::attr(src)").get(),
        ]
    )


def _availability(raw: str | None) -> str | None:
    if not raw:
        return None
    word = raw.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    return _AVAILABILITY.get(word.replace(" ", "").lower()) or _words(raw)


def _availability_in_words(page: Selector) -> str | None:
    css = ".availability, .stock, .stock-status, .product-availability, .instock, .outofstock"
    return _words(squeeze(page.css(css).xpath("string()").get()))


def _words(text: str) -> str | None:
    lower = text.lower()
    if any(word in lower for word in _OUT_WORDS):
        return "out of stock"
    return "in stock" if any(word in lower for word in _IN_WORDS) else None


def _breadcrumbs(page: Selector, nodes: list[dict[str, Any]]) -> list[str]:
    for node in nodes:
        if "BreadcrumbList" in types_of(node):
            names = _crumb_names(_listed(node.get("itemListElement")))
            if names:
                return names
    texts = (squeeze(node.xpath("string()").get()) for node in page.css(_CRUMBS_CSS))
    return _unique(texts)


def _crumb_names(elements: list[Any]) -> list[str]:
    entries = [each for each in elements if isinstance(each, dict)]
    entries.sort(key=_position)
    names = (_text(each.get("name")) or _text(each.get("item")) or "" for each in entries)
    return _unique(names)


def _position(entry: dict[str, Any]) -> float:
    try:
        return float(entry.get("position") or 0)
    except (TypeError, ValueError):
        return 0.0


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text.strip("/›»> ")))


def _category(product: Product) -> str | None:
    """The last crumb that isn't the product itself nor the way home."""
    crumbs = [crumb for crumb in product.breadcrumbs[1:] if crumb != product.name]
    return crumbs[-1] if crumbs else None


def _text(value: Any) -> str | None:
    """schema.org allows a text, a list of them, or a thing with a name or address."""
    if isinstance(value, list):
        return next((text for each in value if (text := _text(each))), None)
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("url") or value.get("contentUrl"))
    if value is None or isinstance(value, bool):
        return None
    return squeeze(str(value)) or None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _as_float(price: Price | None) -> float | None:
    return None if price is None else float(price.amount)

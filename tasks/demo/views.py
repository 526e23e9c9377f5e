"""A small shop to try spiders on. It is a sample website, so its texts stay untranslated."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_safe

from tasks.demo import catalogue

PER_PAGE = 6
RESULTS_PER_PAGE = 10
SLOW_SECONDS = 2.0
ROBOTS = """User-agent: *
Disallow: /admin/
Disallow: /api/
Disallow: /demo/private/
Allow: /demo/

Sitemap: {sitemap}
"""


def shown(product: catalogue.Product, day: date) -> dict[str, Any]:
    return {
        "product": product,
        "url": reverse("demo:product", args=[product.slug]),
        "price": product.price(day),
        "price_text": f"€{product.price(day):,.2f}",
        "was": f"€{product.list_price:,.2f}" if product.is_reduced(day) else "",
        "stock": product.stock(day),
    }


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return render(request, f"demo/{template}.html", {"categories": catalogue.CATEGORIES, **context})


def _paged(
    request: HttpRequest, goods: list[catalogue.Product], per_page: int
) -> Page[dict[str, Any]]:
    entries = [shown(each, localdate()) for each in goods]
    try:
        return Paginator(entries, per_page).page(request.GET.get("page", 1))
    except InvalidPage as error:
        raise Http404 from error


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    day = localdate()
    offers = [shown(product, day) for product in catalogue.offers(day)[:6]]
    return _page(request, "front", offers=offers)


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    found = next((each for each in catalogue.CATEGORIES if each.slug == slug), None)
    if found is None:
        raise Http404
    page = _paged(request, found.listed(localdate()), PER_PAGE)
    return _page(request, "category", category=found, page=page)


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    day = localdate()
    found = catalogue.products_by_slug().get(slug)
    if found is None or not found.is_listed(day):
        raise Http404
    entry = shown(found, day)
    return _page(request, "product", **entry, structured=_structured(request, entry))


def _structured(request: HttpRequest, entry: dict[str, Any]) -> str:
    found: catalogue.Product = entry["product"]
    picture = reverse("demo:picture", args=[found.slug])
    node = {
        "@context": "https://schema.org",
        "@graph": [
            {
                "@type": "Product",
                "name": found.name,
                "sku": found.sku,
                "description": found.description,
                "brand": {"@type": "Brand", "name": found.brand},
                "image": [request.build_absolute_uri(picture)],
                "offers": {
                    "@type": "Offer",
                    "price": str(entry["price"]),
                    "priceCurrency": "EUR",
                    "availability": f"https://schema.org/{_availability(entry['stock'])}",
                },
            }
        ],
    }
    # "<" could end the script element.
    return json.dumps(node).replace("<", "\\u003c")


def _availability(stock: int) -> str:
    return "InStock" if stock else "OutOfStock"


@require_safe
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    found = catalogue.products_by_slug().get(slug)
    if found is None:
        raise Http404
    context = {
        "product": found,
        "shape": (found.number + found.category.hue) % 5,
        "turn": found.number * 7,
        "second": found.category.hue + 40,
    }
    return render(request, "demo/picture.svg", context, content_type="image/svg+xml")


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "")[:200]
    page = _paged(request, catalogue.search(query, localdate()), RESULTS_PER_PAGE)
    return _page(request, "search", query=query, page=page)


@require_safe
def arrivals(request: HttpRequest) -> HttpResponse:
    return _page(request, "arrivals", arrivals=catalogue.arrivals(now()))


@require_safe
def about(request: HttpRequest, language: str = "en") -> HttpResponse:
    return _page(request, f"about_{language}", language=language)


@require_safe
async def slow(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(SLOW_SECONDS)
    return _page(request, "slow", seconds=SLOW_SECONDS)


@require_safe
def private(request: HttpRequest) -> HttpResponse:
    return _page(request, "private")


@require_safe
def moved(request: HttpRequest) -> HttpResponse:
    return redirect("demo:front", permanent=True)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    sitemap = request.build_absolute_uri(reverse("demo:sitemap"))
    return HttpResponse(ROBOTS.format(sitemap=sitemap), content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    day = localdate()
    fixed = [reverse(f"demo:{name}") for name in ("front", "about", "about-german")]
    fixed += [reverse("demo:category", args=[each.slug]) for each in catalogue.CATEGORIES]
    entries: list[tuple[str, date | None]] = [(path, None) for path in fixed]
    entries += [
        (reverse("demo:product", args=[each.slug]), each.modified(day))
        for each in catalogue.listed(day)
    ]
    absolute = [(request.build_absolute_uri(path), modified) for path, modified in entries]
    return render(request, "demo/sitemap.xml", {"entries": absolute}, "application/xml")


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    context = {
        "arrivals": catalogue.arrivals(now()),
        "root": request.build_absolute_uri("/").rstrip("/"),
        "self": request.build_absolute_uri(),
    }
    return render(request, "demo/feed.xml", context, "application/atom+xml; charset=utf-8")

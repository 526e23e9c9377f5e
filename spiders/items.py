"""What the spiders deliver. Only plain JSON types, so that every writer stores the same thing."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


def labelled(text: str) -> dict[str, str]:
    return {"title": text}


def column_titles(item: type) -> dict[str, str]:
    return {each.name: each.metadata["title"] for each in fields(item)}


@dataclass(kw_only=True)
class Product:
    name: str = field(metadata=labelled("Name"))
    price: float | None = field(default=None, metadata=labelled("Price"))
    currency: str | None = field(default=None, metadata=labelled("Currency"))
    availability: str | None = field(default=None, metadata=labelled("Availability"))
    category: str | None = field(default=None, metadata=labelled("Category"))
    brand: str | None = field(default=None, metadata=labelled("Brand"))
    sku: str | None = field(default=None, metadata=labelled("Article number"))
    price_text: str | None = field(default=None, metadata=labelled("Price as written"))
    image: str | None = field(default=None, metadata=labelled("Picture"))
    breadcrumbs: list[str] = field(default_factory=list, metadata=labelled("Breadcrumbs"))
    url: str = field(metadata=labelled("Address"))


@dataclass(kw_only=True)
class SeoPage:
    url: str = field(metadata=labelled("Address"))
    status: int = field(default=0, metadata=labelled("Status"))
    title: str | None = field(default=None, metadata=labelled("Title"))
    description: str | None = field(default=None, metadata=labelled("Description"))
    h1: list[str] = field(default_factory=list, metadata=labelled("Headings (h1)"))
    canonical: str | None = field(default=None, metadata=labelled("Canonical address"))
    language: str | None = field(default=None, metadata=labelled("Language"))
    robots: str | None = field(default=None, metadata=labelled("Robots"))
    word_count: int = field(default=0, metadata=labelled("Words"))
    hreflang: dict[str, str] = field(default_factory=dict, metadata=labelled("Other languages"))
    internal_links: int = field(default=0, metadata=labelled("Links inside the site"))
    external_links: int = field(default=0, metadata=labelled("Links to other sites"))
    depth: int = field(default=0, metadata=labelled("Clicks from the start"))
    redirected_from: str | None = field(default=None, metadata=labelled("Redirected from"))
    content_type: str | None = field(default=None, metadata=labelled("Kind of file"))
    problems: list[str] = field(default_factory=list, metadata=labelled("Problems"))


@dataclass(kw_only=True)
class BrokenLink:
    url: str = field(metadata=labelled("Broken address"))
    status: int | None = field(default=None, metadata=labelled("Status"))
    reason: str = field(metadata=labelled("Reason"))
    found_on: str = field(metadata=labelled("Found on"))
    text: str | None = field(default=None, metadata=labelled("Link text"))


@dataclass(kw_only=True)
class SearchResult:
    rank: int = field(default=0, metadata=labelled("Rank"))
    title: str = field(metadata=labelled("Title"))
    url: str = field(metadata=labelled("Address"))
    snippet: str | None = field(default=None, metadata=labelled("Snippet"))
    source: str = field(metadata=labelled("Source"))
    query: str = field(metadata=labelled("Query"))


@dataclass(kw_only=True)
class SitemapChange:
    change: str = field(metadata=labelled("Change"))
    url: str = field(metadata=labelled("Address"))
    title: str | None = field(default=None, metadata=labelled("Title"))
    modified: str | None = field(default=None, metadata=labelled("Modified"))
    modified_before: str | None = field(default=None, metadata=labelled("Modified before"))
    source: str = field(metadata=labelled("Sitemap or feed"))


@dataclass(kw_only=True)
class PageChange:
    url: str = field(metadata=labelled("Address"))
    title: str | None = field(default=None, metadata=labelled("Title"))
    added: list[str] = field(default_factory=list, metadata=labelled("Added lines"))
    removed: list[str] = field(default_factory=list, metadata=labelled("Removed lines"))
    difference: str = field(metadata=labelled("Difference"))
    selector: str = field(metadata=labelled("Watched part"))
    previous_check: str | None = field(default=None, metadata=labelled("Compared with"))

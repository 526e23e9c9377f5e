"""Sitemaps, sitemap indexes, RSS and Atom feeds: what they list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from lxml import etree
from scrapy.utils.gz import gunzip
from scrapy.utils.sitemap import sitemap_urls_from_robots

from spiders.parsing.text import absolute_url, squeeze

MAX_BYTES = 60 * 1024 * 1024
MAX_ENTRIES = 200_000


class NotAFeed(ValueError):
    pass


@dataclass(frozen=True, kw_only=True)
class Entry:
    key: str
    url: str
    title: str | None = None
    modified: str | None = None
    digest: str = ""


@dataclass(kw_only=True)
class Listing:
    entries: dict[str, Entry] = field(default_factory=dict)
    # Further sitemaps that this one names.
    children: list[str] = field(default_factory=list)


def parse_listing(body: bytes, url: str) -> Listing:
    text = _unpacked(body)
    if url.split("?", maxsplit=1)[0].endswith("/robots.txt"):
        return Listing(children=list(sitemap_urls_from_robots(text, base_url=url)))
    root = _root(text)
    if root is None:
        return _plain_text(text, url)
    readers: dict[str, Callable[[Any, str], Listing]] = {
        "urlset": _urlset,
        "sitemapindex": _index,
        "rss": _rss,
        "rdf": _rss,
        "feed": _atom,
    }
    reader = readers.get(_name(root).lower())
    if reader is None:
        raise NotAFeed(f"{url} is neither a sitemap nor a feed, it begins with <{_name(root)}>")
    return reader(root, url)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return gunzip(body, max_size=MAX_BYTES)
    except Exception as error:
        raise NotAFeed(f"The packed file can't be unpacked: {error}") from error


def _root(text: bytes) -> Any:
    # Entities stay unresolved: they could name local files or grow without end.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, load_dtd=False, huge_tree=False
    )
    stripped = text.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not stripped.startswith(b"<"):
        return None
    try:
        return etree.fromstring(stripped, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _plain_text(text: bytes, url: str) -> Listing:
    """A sitemap may be a plain list of addresses."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    urls = [line for line in lines if line.lower().startswith(("http://", "https://"))]
    if not urls or len(urls) < len([line for line in lines if line]) / 2:
        raise NotAFeed(f"{url} is neither a sitemap nor a feed")
    return _collected(Entry(key=line, url=line) for line in urls)


def _urlset(root: Any, url: str) -> Listing:
    return _collected(_sitemap_entry(node, url) for node in _anywhere(root, "url"))


def _sitemap_entry(node: Any, base: str) -> Entry | None:
    address = absolute_url(base, _text(node, "loc"))
    if address is None:
        return None
    modified = _text(node, "lastmod")
    return Entry(key=address, url=address, modified=modified, digest=_digest(modified))


def _index(root: Any, url: str) -> Listing:
    found = (absolute_url(url, _text(node, "loc")) for node in _anywhere(root, "sitemap"))
    return Listing(children=[child for child in found if child])


def _rss(root: Any, url: str) -> Listing:
    return _collected(_rss_entry(node, url) for node in _anywhere(root, "item"))


def _rss_entry(node: Any, base: str) -> Entry | None:
    guid = _text(node, "guid")
    address = absolute_url(base, _text(node, "link")) or absolute_url(base, guid)
    modified = _text(node, "pubDate") or _text(node, "date")
    return _feed_entry(guid, address, _text(node, "title"), modified, _text(node, "description"))


def _atom(root: Any, url: str) -> Listing:
    return _collected(_atom_entry(node, url) for node in _anywhere(root, "entry"))


def _atom_entry(node: Any, base: str) -> Entry | None:
    links = {link.get("rel") or "alternate": link.get("href") for link in _children(node, "link")}
    address = absolute_url(base, links.get("alternate") or next(iter(links.values()), None))
    modified = _text(node, "updated") or _text(node, "published")
    summary = _text(node, "summary") or _text(node, "content")
    return _feed_entry(_text(node, "id"), address, _text(node, "title"), modified, summary)


def _feed_entry(
    key: str | None,
    url: str | None,
    title: str | None,
    modified: str | None,
    summary: str | None,
) -> Entry | None:
    if not (key or url):
        return None
    return Entry(
        key=key or url or "",
        url=url or "",
        title=title,
        modified=modified,
        digest=_digest(title, modified, summary),
    )


def _collected(entries: Iterator[Entry | None]) -> Listing:
    listing = Listing()
    for entry in entries:
        if entry is not None and len(listing.entries) < MAX_ENTRIES:
            listing.entries.setdefault(entry.key, entry)
    return listing


def _children(node: Any, name: str) -> Iterator[Any]:
    return (child for child in node if _name(child) == name)


def _anywhere(root: Any, name: str) -> Iterator[Any]:
    """Also where a tag that was never closed has swallowed the rest of the file."""
    return (node for node in root.iter() if _name(node) == name)


def _name(node: Any) -> str:
    """Without the namespace, which real files often get wrong."""
    return node.tag.rsplit("}", 1)[-1] if isinstance(node.tag, str) else ""


def _text(node: Any, name: str) -> str | None:
    child = next(_children(node, name), None)
    return None if child is None else squeeze("".join(child.itertext()))[:2000] or None


def _digest(*parts: str | None) -> str:
    return blake2b("\0".join(part or "" for part in parts).encode(), digest_size=8).hexdigest()

"""Pages that stand in the way of a spider: a login, or a question that only a person can answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.http import Response

LOOKED_AT = 20
BYTES = 200_000
_SIGNS = {
    "captcha": re.compile(
        rb"(?i)g-recaptcha|h-captcha|cf-turnstile|challenge-platform|geetest|captcha-delivery|"
        rb"<(?:img|input|form|iframe)[^>]{0,200}captcha"
    ),
    "login": re.compile(rb"(?i)<input[^>]{0,200}type\s*=\s*[\"']?password"),
}


class Walls:
    """Looks at the first pages only: a crawl that collects items needs no explanation."""

    def __init__(self) -> None:
        self.looked = 0
        self.seen: dict[str, int] = {}

    def look(self, response: Response) -> str:
        """What this page is instead of content, if anything."""
        if self.looked >= LOOKED_AT or b"html" not in (response.headers.get("Content-Type") or b""):
            return ""
        self.looked += 1
        body = response.body[:BYTES]
        kind = next((name for name, sign in _SIGNS.items() if sign.search(body)), "")
        if kind:
            self.seen[kind] = self.seen.get(kind, 0) + 1
        return kind

    def found(self) -> str:
        """What most of the pages were; empty for ordinary ones."""
        for kind, count in self.seen.items():
            if count * 2 > self.looked:
                return kind
        return ""

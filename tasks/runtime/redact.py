"""Takes out of texts what would let their reader in somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "••••••"

# Things in addresses, headers and logs that let somebody in.
_SECRETIVE = re.compile(
    r"(?i)((?:api[-_]?key|access[-_]?token|token|secret|passw(?:or)?d|pwd|authorization|cookie|"
    r"session(?:id)?|signature)[\"']?\s*[=:]\s*[\"']?)((?:bearer |basic )?[^\s\"'&;,}]+)"
)
_USERINFO = re.compile(r"(?i)(https?://)[^/\s:@]+:[^/\s@]+@")
# Bounded: unbounded, a page of one long word would take minutes.
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,190}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _SECRETIVE.sub(rf"\1{MASK}", text)
    return _EMAIL.sub("…@…", text)

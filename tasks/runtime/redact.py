"""Takes out of texts what would let their reader in somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "••••••"
# Shorter ones are hidden where they stand alone: "12" is in every other line.
LONG_ENOUGH = 4

# All repetitions are bounded: unbounded, a page of one long word would take minutes.
_NAMES = (
    r"(?:api|access|private|auth)[-_ ]?key\w{0,20}|token\w{0,20}|secret\w{0,20}|"
    r"passw(?:or)?d\w{0,20}|passphrase|pwd|authorization|cookies?(?![-_])|signature|"
    r"sess(?:ion)?[-_]?id|session|credentials?|csrf\w{0,20}|jwt|auth(?==\()"
)
# In an address also names that mean nothing elsewhere.
_PARAMETERS = r"(?<=[?&])(?:key|sig|auth|sid|pass|pw|otp|code)"
# A quoted text, as JSON, Python or a log writes it; also inside of another text.
_QUOTED = r"[bru]{0,2}(?P<q>\\{0,3}[\"'])(?:(?!(?P=q)).){0,4000}(?P=q)"
_NAMED = re.compile(rf"(?i)(?:{_NAMES})")
_SECRETIVE = re.compile(
    rf"(?i)(?P<name>{_NAMES}|{_PARAMETERS})"
    r"(?P<sep>\\{0,3}[\"']?(?:\s{0,3}[=:]\s{0,3}|%3[da])|[\"']\s{1,3}(?:value|content)\s?=\s?)"
    rf"(?:\[[^\]\n]{{0,4000}}\]|\{{[^}}\n]{{0,4000}}\}}|\([^)\n]{{0,4000}}\)|{_QUOTED}|"
    # A header is secret to its end.
    r"(?:(?<=cookie: )|(?<=authorization: ))[^\n]+|"
    r"(?:(?:bearer|basic|token|digest)\s+)?[^\s\"'\\&;,}<>]+)"
)
_USERINFO = re.compile(r"(?i)((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://)[^\s/?#\"'<>]{1,400}@")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}(?:@|%40)[\w-]{1,63}\.[\w.-]{1,190}")
# Known by their form, whatever they are called.
_TOKENS = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|"
    r"\bgithub_pat_\w{20,}|\bsk-[\w-]{20,}|\bxox[abeprs]-[\w-]{10,}|\bAIza[\w-]{30,}|"
    r"\bsst_[\w-]{20,}|(?i:\bbearer\s+)[\w.~+/=-]{12,}|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
# An address without any of these has nothing that redact() would take out.
_TELLTALES = (
    *"?@=%\"' ",
    *("eyJ", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("sk-", "xox", "AIza", "sst_", "-----BEGIN"),
)


def redact(text: str, secrets: Iterable[Any] = ()) -> str:
    text = hider(secrets)(text)
    text = _TOKENS.sub(MASK, text)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _SECRETIVE.sub(rf"\g<name>\g<sep>{MASK}", text)
    return _EMAIL.sub("…@…", text)


def redact_address(address: str) -> str:
    """The same for the address of each page that is read, which mostly takes a tenth of the time
    so. The number of a port is no secret, whatever its host is called."""
    rest = address.partition("://")[2]
    is_plain = ":" not in rest.partition("/")[2] and not any(sign in rest for sign in _TELLTALES)
    return address if is_plain else redact(address)


def hider(secrets: Iterable[Any]) -> Callable[[str], str]:
    """Hides known values, however an address, a page or a log spells them."""
    spelt = {form for secret in secrets for text in _texts(secret) for form in _spellings(text)}
    if not spelt:
        return lambda text: text
    parts = (_pattern(form) for form in sorted(spelt, key=len, reverse=True))
    known = re.compile("|".join(parts))
    return lambda text: known.sub(MASK, text)


def redacted(value: Any, secrets: Iterable[Any] = ()) -> Any:
    """The same with secrets taken out of its texts, and those that a name tells. It stays JSON."""
    known = list(secrets)
    return _walked(value, lambda text: redact(text, known), by_name=True)


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """The same with all of its texts so treated."""
    return _walked(value, hide, by_name=False)


def _walked(value: Any, change: Callable[[str], str], *, by_name: bool) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {
            name: MASK
            if by_name and each and _NAMED.search(str(name)) and not isinstance(each, bool)
            else _walked(each, change, by_name=by_name)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_walked(each, change, by_name=by_name) for each in value]
    return value


def _texts(secret: Any) -> Iterator[str]:
    if isinstance(secret, Mapping):
        yield from (text for value in secret.values() for text in _texts(value))
    elif isinstance(secret, list | tuple | set):
        yield from (text for value in secret for text in _texts(value))
    elif secret not in (None, "", True, False):
        yield str(secret)


def _spellings(text: str) -> set[str]:
    written = (quote(text, safe=""), quote(text), quote_plus(text))
    lower = (re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), each) for each in written)
    in_json = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return {text, *written, *lower, *in_json, repr(text)[1:-1], escape(text)}


def _pattern(text: str) -> str:
    plain = re.escape(text)
    return plain if len(text) >= LONG_ENOUGH else rf"(?<!\w){plain}(?!\w)"

"""Which addresses a spider may reach. Pure: the same answer when a task is saved and when its
spider connects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Translated addresses carry an IPv4 address inside: the website behind them is that one's.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_SHARED = IPv4Network("100.64.0.0/10")
_METADATA = IPv6Network("fd00:ec2::/32")
_LOOPBACK_NAMES = ("localhost", ".localhost")
_LOCAL_NAMES = (".local", ".internal", ".localdomain", ".home.arpa")
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
# What resolvers read as an IPv4 address without it being written as one: 127.1, 0x7f.1, 2130706433.
_ODD_NUMBER = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    networks: tuple[Network, ...] = ()
    urls: tuple[str, ...] = ()
    """Prefixes that are allowed on a private address, e.g. the demo shop's."""
    hosts: frozenset[tuple[str, int]] = field(default=frozenset())

    @classmethod
    def of(cls, networks: Iterable[str] = (), urls: Iterable[str] = ()) -> Rules:
        prefixes = tuple(urls)
        hosts = frozenset(_endpoint(urlsplit(url)) for url in prefixes)
        return cls(tuple(ip_network(network) for network in networks), prefixes, hosts)


def problem_of_url(url: str, rules: Rules) -> str | None:
    """None if a spider may read it, else why not: scheme, malformed, credentials or private."""
    if _CONTROL.search(url):
        return "malformed"
    try:
        parts = urlsplit(url)
        host, _port = _endpoint(parts)
    except ValueError:
        return "malformed"
    if parts.scheme not in {"http", "https"}:
        return "scheme"
    if not host:
        return "malformed"
    if _is_listed(parts, rules):
        return None
    return problem_of_host(host, rules)


def problem_of_host(host: str, rules: Rules) -> str | None:
    """A name is judged by its spelling here and by its addresses when connecting."""
    name = host.rstrip(".").lower()
    address = parse_address(name)
    if address is not None:
        return problem_of_address(address, rules)
    if _ODD_NUMBER.fullmatch(name) or not _is_ordinary(name):
        return "malformed"
    if name.endswith(_LOOPBACK_NAMES):
        return None if any(network.is_loopback for network in rules.networks) else "private"
    return "private" if name.endswith(_LOCAL_NAMES) and not rules.networks else None


def problem_of_connection(host: str, port: int, rules: Rules) -> str | None:
    """For the literal address that a connection is about to be made to."""
    address = parse_address(host.partition("%")[0])
    if address is None:
        return "malformed"
    if any(port == known and _is_same(address, name) for name, known in rules.hosts):
        return None
    return problem_of_address(address, rules)


def problem_of_address(address: Address, rules: Rules) -> str | None:
    for face in _faces(address):
        if not _is_allowed(face, rules) and not _is_public(face):
            return "private"
    return None


def parse_address(text: str) -> Address | None:
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        return None


def _faces(address: Address) -> list[Address]:
    """The address, or the IPv4 address that it carries inside."""
    if isinstance(address, IPv4Address):
        return [address]
    inner: list[Address] = []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        inner.append(address.sixtofour)
    if address.teredo:
        inner.extend(address.teredo)
    if any(address in network for network in _NAT64) or int(address) >> 32 == 0:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return inner or [address]


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and address not in _SHARED
    return address.is_global and not address.is_site_local and address not in _METADATA


def _is_allowed(address: Address, rules: Rules) -> bool:
    return any(address in network for network in rules.networks)


def _is_same(address: Address, name: str) -> bool:
    known = parse_address(name)
    return address.is_loopback if known is None and name == "localhost" else address == known


def _is_listed(parts: SplitResult, rules: Rules) -> bool:
    if "/../" in f"{parts.path}/" or "%2e" in parts.path.lower():
        return False
    for prefix in rules.urls:
        known = urlsplit(prefix)
        same_place = parts.scheme == known.scheme and _endpoint(parts) == _endpoint(known)
        if same_place and parts.path.startswith(known.path):
            return True
    return False


def _endpoint(parts: SplitResult) -> tuple[str, int]:
    default = 443 if parts.scheme == "https" else 80
    return (parts.hostname or "").rstrip("."), parts.port or default


def _is_ordinary(name: str) -> bool:
    try:
        encoded = name.encode("idna").decode("ascii")
    except UnicodeError:
        return False
    # Full-width digits and dots become an address only here.
    if encoded != name and (parse_address(encoded) or _ODD_NUMBER.fullmatch(encoded)):
        return False
    return bool(re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", encoded.lower()))

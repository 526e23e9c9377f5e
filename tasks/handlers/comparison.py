"""Compares the items of two runs; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Item = dict[str, Any]
NAMES = ("name", "title")
MAX_ITEMS = 500_000


@dataclass
class Digest:
    """What a comparison needs of a run's items, so that they need not stay in memory."""

    count: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    known: dict[str, Item] = field(default_factory=dict)


def digest(items: Iterable[Item], *, key: str, watch: Sequence[str]) -> Digest:
    found = Digest()
    for item in items:
        found.count += 1
        for name, value in item.items():
            has_value = value not in (None, "", [], {})
            found.filled[name] = found.filled.get(name, 0) + has_value
        if item.get(key) and len(found.known) < MAX_ITEMS:
            kept = {name: item.get(name) for name in (*watch, *NAMES) if name in item}
            found.known[str(item[key])] = kept
    return found


def compare(before: Digest, after: Digest, *, watch: Sequence[str]) -> Iterator[Item]:
    yield {"finding": "count", "before": before.count, "now": after.count}
    yield from _emptier_fields(before, after)
    for key in after.known.keys() - before.known.keys():
        yield {"finding": "new", "key": key, "name": _name(after.known[key])}
    for key in before.known.keys() - after.known.keys():
        yield {"finding": "gone", "key": key, "name": _name(before.known[key])}
    for key in before.known.keys() & after.known.keys():
        for name in watch:
            yield from _change(key, name, before.known[key], after.known[key])


def _emptier_fields(before: Digest, after: Digest) -> Iterator[Item]:
    """Fields that are empty more often than before: a sign of a changed page layout."""
    for name in {**before.filled, **after.filled}:
        was, now = _share(before, name), _share(after, name)
        if now < was:
            yield {
                "finding": "missing",
                "field": name,
                "filled_before": round(was * 100),
                "filled_now": round(now * 100),
                "items": after.count - after.filled.get(name, 0),
            }


def _share(found: Digest, name: str) -> float:
    return found.filled.get(name, 0) / found.count if found.count else 1.0


def _change(key: str, name: str, before: Item, after: Item) -> Iterator[Item]:
    was, now = before.get(name), after.get(name)
    if was == now:
        return
    change: Item = {
        "finding": "changed",
        "key": key,
        "name": _name(after),
        "field": name,
        "before": was,
        "now": now,
    }
    if _is_number(was) and _is_number(now) and was:
        change["percent"] = round((now - was) / was * 100, 1)
    yield change


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _name(item: Item) -> Any:
    return next((item[name] for name in NAMES if item.get(name)), None)

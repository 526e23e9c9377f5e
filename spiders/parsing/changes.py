"""What is different from the time before."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from spiders.parsing.feeds import Entry

MAX_DIFFERENCE = 200


class TextChange(NamedTuple):
    added: list[str]
    removed: list[str]
    difference: str


class ListChange(NamedTuple):
    change: str
    entry: Entry
    modified_before: str | None = None


def compare_text(before: Sequence[str], after: Sequence[str]) -> TextChange | None:
    if list(before) == list(after):
        return None
    lines = [
        line.rstrip("\n")
        for line in difflib.unified_diff(before, after, "before", "now", lineterm="", n=2)
    ][2:]
    added = [line[1:] for line in lines if line.startswith("+")]
    removed = [line[1:] for line in lines if line.startswith("-")]
    return TextChange(
        added[:MAX_DIFFERENCE], removed[:MAX_DIFFERENCE], "\n".join(lines[:MAX_DIFFERENCE])
    )


def compare_entries(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Entry], *, complete: bool
) -> Iterator[ListChange]:
    """Of an incomplete list nothing can be said to be gone."""
    for key, entry in after.items():
        known = before.get(key)
        if known is None:
            yield ListChange("new", entry)
        elif known.get("digest") != entry.digest:
            yield ListChange("changed", entry, known.get("modified"))
    if complete:
        for key in sorted(before.keys() - after.keys()):
            known = before[key]
            entry = Entry(key=key, url=str(known.get("url") or key), title=known.get("title"))
            yield ListChange("gone", entry, known.get("modified"))

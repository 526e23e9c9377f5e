"""What differs between the items of a run and those of the good run before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.execution.folder import run_folder
from tasks.execution.items import Item, cell_text, iterate_items
from tasks.models import Run
from tasks.web import when

# Beyond this many items a page would make people wait; the analysis task does the rest.
MOST_ITEMS = 5000
MOST_LINES = 20
# By what an item is known from one run to the next, the best first.
KEYS = ("url", "link", "id", "sku", "ean", "name", "title")
# What changes each time without meaning anything.
IGNORED = frozenset({"scraped_at", "crawled_at", "fetched_at", "timestamp", "run_id"})


@dataclass(frozen=True, slots=True)
class Part:
    key: str
    label: str
    lines: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class Compared:
    run: Run
    when: str
    sentence: str
    parts: list[Part]


def compare(run: Run, now: datetime, zone: tzinfo) -> Compared | None:
    """None where there is nothing to compare, or too much of it."""
    before = _good_before(run)
    if before is None or not run.items or max(run.items, before.items) > MOST_ITEMS:
        return None
    old, new = _items(before), _items(run)
    key = _key_of(old, new)
    if key is None:
        return None
    parts = _parts({str(i[key]): i for i in old}, {str(i[key]): i for i in new})
    words = ", ".join(part.label for part in parts)
    return Compared(
        run=before,
        when=when.absolute(before.at, now, zone),
        sentence=words or _("The same items as in the run before, with the same values."),
        parts=parts,
    )


def _good_before(run: Run) -> Run | None:
    good = Run.objects.filter(task=run.task_id, status=Run.Status.SUCCEEDED, items__gt=0)
    earlier = good.filter(at__lt=run.at).exclude(trigger=Run.Trigger.TEST)
    return earlier.newest_first().first() if run.task_id else None


def _items(run: Run) -> list[Item]:
    return list(islice(iterate_items(run_folder(run)), MOST_ITEMS))


def _key_of(old: list[Item], new: list[Item]) -> str | None:
    """The first field that tells the items of both runs apart."""
    if not old or not new:
        return None
    return next((key for key in KEYS if _tells_apart(key, old) and _tells_apart(key, new)), None)


def _tells_apart(key: str, items: list[Item]) -> bool:
    values = {str(item[key]) for item in items if item.get(key)}
    return len(values) >= 0.9 * len(items)


def _parts(old: dict[str, Item], new: dict[str, Item]) -> list[Part]:
    added = [_name(new[key]) for key in new if key not in old]
    gone = [_name(old[key]) for key in old if key not in new]
    changed = [line for key in new if key in old for line in _changes(old[key], new[key])]
    counted = [
        ("new", ngettext("%(n)s new item", "%(n)s new items", len(added)), added),
        ("gone", ngettext("%(n)s item gone", "%(n)s items gone", len(gone)), gone),
        ("changed", ngettext("%(n)s item changed", "%(n)s items changed", len(changed)), changed),
    ]
    return [
        Part(key, label % {"n": len(lines)}, lines[:MOST_LINES], max(0, len(lines) - MOST_LINES))
        for key, label, lines in counted
        if lines
    ]


def _name(item: Item) -> str:
    found = next((item[key] for key in ("name", "title", *KEYS) if item.get(key)), "")
    return str(found)[:120] or json.dumps(item, ensure_ascii=False)[:120]


def _changes(old: Item, new: Item) -> Iterator[str]:
    fields = [
        _("%(field)s: %(before)s → %(after)s")
        % {
            "field": name,
            "before": cell_text(old.get(name))[:60] or "–",
            "after": cell_text(new.get(name))[:60] or "–",
        }
        for name in dict.fromkeys([*old, *new])
        if name not in IGNORED and old.get(name) != new.get(name)
    ]
    if fields:
        yield f"{_name(new)} ({'; '.join(fields[:4])})"

"""The first items of a run as a table that stays readable."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from tasks.execution.folder import run_folder
from tasks.execution.items import TOO_LARGE, Item, cell_text, columns_of, read_items
from tasks.models import Run
from tasks.models.spider import spoken

FIRST = 20
COLUMNS = 8
CELL = 160
LONG_WORD = 30
SENTENCE = 60
SHORT = {each.lower(): each for each in ("EAN", "GTIN", "ID", "ISBN", "SKU", "URL", "VAT", "URLs")}


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    is_number: bool = False
    is_link: bool = False
    full: str = ""

    @property
    def is_long(self) -> bool:
        """Its column needs room: for a sentence, or for a word wider than most columns."""
        return len(self.text) > SENTENCE or any(len(word) > LONG_WORD for word in self.text.split())


@dataclass(frozen=True, slots=True)
class ItemTable:
    columns: list[tuple[str, bool]] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def first_items(run: Run, limit: int = FIRST) -> ItemTable:
    try:
        items = read_items(run_folder(run), limit=limit).items
    except ValueError:
        return ItemTable()
    return table(items)


def table(items: list[Item]) -> ItemTable:
    names = [name for name in columns_of(items) if any(each.get(name) for each in items)]
    shown = names[:COLUMNS]
    rows = [[cell(item.get(name)) for name in shown] for item in items]
    numbers = [all(row[i].is_number or not row[i].text for row in rows) for i in range(len(shown))]
    labels = map(heading, shown)
    hidden = [*map(heading, names[COLUMNS:])]
    return ItemTable(list(zip(labels, numbers, strict=True)), rows, hidden)


def heading(name: str) -> str:
    """Of a column, as people write it, in the reader's words for those of the spiders here."""
    if name == TOO_LARGE:
        return _("Too large to show")
    words = [SHORT.get(word, word) for word in name.replace("_", " ").lower().split()]
    text = " ".join(words)
    return spoken(text[:1].upper() + text[1:])


def cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell(_("yes") if value else _("no"))
    if isinstance(value, (int, float)):
        return Cell(_shortened(_number(value)), is_number=True)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    text = cell_text(value)
    is_link = text.startswith(("http://", "https://")) and " " not in text
    return Cell(_shortened(text), is_link=is_link, full=text if is_link else "")


def _shortened(text: str) -> str:
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _number(value: float) -> str:
    # In this order: an integer may be larger than any float.
    if abs(value) >= 1e15 or not isfinite(value):
        return str(value)
    if isinstance(value, int):
        return number_format(value, force_grouping=abs(value) >= 10_000)
    digits = len(f"{value:.4f}".rstrip("0").partition(".")[2])
    return number_format(value, decimal_pos=max(digits, 1), force_grouping=abs(value) >= 10_000)

"""Bounded reads of items.jsonl, and the forms in which people take items away."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from django.template.defaultfilters import filesizeformat

from tasks.execution.folder import open_plain

Item = dict[str, Any]
Format = Literal["jsonl", "json", "csv", "xlsx"]

MAX_PAGE = 500
MAX_ITEM_BYTES = 4 * 1024 * 1024
# Stands in tables for what is larger, and says how large; the JSON files have it as it is.
TOO_LARGE = "item_too_large"
BLOCK = 64 * 1024
MAX_CELL = 32_767
MAX_XLSX_ROWS = 1_048_575
MAX_COLUMNS = 500
# Of the columns of a workbook, in characters; so many items tell how wide they are.
NARROWEST, WIDEST, WIDTHS_BY = 9, 60, 100
# What makes a spreadsheet take a cell for a formula; tab and CR hide one behind them.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

CONTENT_TYPES: dict[str, str] = {
    "jsonl": "application/x-ndjson; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class ItemPage:
    items: list[Item]
    start: int
    end: int
    """Byte offset at which the next page begins."""
    size: int

    @property
    def is_last(self) -> bool:
        return self.end >= self.size


def read_items(folder: Path, offset: int = 0, limit: int = 20) -> ItemPage:
    """Whole items from a byte offset that an earlier page gave."""
    limit = max(0, min(limit, MAX_PAGE))
    try:
        with open_plain(folder / "items.jsonl") as file:
            size = file.seek(0, 2)
            start = max(0, min(offset, size))
            file.seek(start)
            items: list[Item] = []
            end = start
            while len(items) < limit and (line := _whole_line(file)) is not None:
                end = file.tell()
                items += _parsed(line)
            return ItemPage(items, start, end, size)
    except OSError:
        return ItemPage([], 0, 0, 0)


def iterate_items(folder: Path) -> Iterator[Item]:
    """All items, one at a time in memory."""
    try:
        with open_plain(folder / "items.jsonl") as file:
            while (line := _whole_line(file)) is not None:
                yield from _parsed(line)
    except FileNotFoundError:
        return


def _whole_line(file: Any) -> bytes | None:
    """None at the end, also before a line that is still being written."""
    line: bytes = file.readline(MAX_ITEM_BYTES)
    if len(line) < MAX_ITEM_BYTES or line.endswith(b"\n"):
        return line if line.endswith(b"\n") else None
    size = len(line)
    for part in _rest_of_line(file):
        size += len(part)
        if part.endswith(b"\n"):
            return json.dumps({TOO_LARGE: filesizeformat(size)}).encode()
    return None


def _rest_of_line(file: Any) -> Iterator[bytes]:
    while part := file.readline(BLOCK):
        yield part
        if part.endswith(b"\n"):
            return


def _parsed(line: bytes) -> list[Item]:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return [item] if isinstance(item, dict) else []


def columns_of(items: Iterable[Item]) -> list[str]:
    """In the order in which they first appear."""
    names: dict[str, None] = {}
    for item in items:
        names.update(dict.fromkeys(item))
        if len(names) >= MAX_COLUMNS:
            break
    return list(names)[:MAX_COLUMNS]


def cell_text(value: Any) -> str:
    """For a table: what is nested is shown as JSON."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)[:MAX_CELL]
    return str(value)[:MAX_CELL]


def safe_cell(value: Any) -> str:
    """A spreadsheet shows it and never runs it. Numbers stay numbers: -5 is no formula."""
    text = cell_text(value)
    if isinstance(value, (int, float)) or not text.startswith(FORMULA_STARTS):
        return text
    return f"'{text}"[:MAX_CELL]


# --- downloads --------------------------------------------------------------------------------


def export_items(folder: Path, form: Format) -> Iterator[bytes]:
    """The file in parts. Spreadsheets are built on disk, the others as they are read."""
    return _EXPORTS[form](folder)


def _as_json(item: Item) -> bytes:
    return json.dumps(item, ensure_ascii=False).encode("utf-8", "replace")


def _texts(folder: Path) -> Iterator[Iterable[bytes]]:
    """Each item in JSON, in parts where it is too large to be looked at."""
    try:
        with open_plain(folder / "items.jsonl") as file:
            end = _end_of_lines(file)
            file.seek(0)
            while file.tell() < end:
                line = file.readline(MAX_ITEM_BYTES)
                if line.endswith(b"\n"):
                    yield from ([_as_json(item)] for item in _parsed(line))
                else:
                    yield chain([line], (part.rstrip(b"\n") for part in _rest_of_line(file)))
    except FileNotFoundError:
        return


def _end_of_lines(file: Any) -> int:
    """Behind the last line that is whole."""
    end: int = file.seek(0, 2)
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + int(found) + 1
        end = start
    return 0


def _jsonl(folder: Path) -> Iterator[bytes]:
    for parts in _texts(folder):
        yield from parts
        yield b"\n"


def _json(folder: Path) -> Iterator[bytes]:
    opening = b"[\n"
    for parts in _texts(folder):
        yield opening
        yield from parts
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"


def _csv(folder: Path) -> Iterator[bytes]:
    names = columns_of(iterate_items(folder))
    # The mark tells spreadsheets that the text is UTF-8.
    yield "\ufeff".encode() + _csv_row([safe_cell(name) for name in names])
    for item in iterate_items(folder):
        yield _csv_row([safe_cell(item.get(name)) for name in names])


def _csv_row(cells: list[str]) -> bytes:
    row = io.StringIO()
    csv.writer(row).writerow(cells)
    return row.getvalue().encode("utf-8", "replace")


def _xlsx(folder: Path) -> Iterator[bytes]:
    # Large, and needed by nothing else: the scheduler does without it.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    names = columns_of(iterate_items(folder))
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Items")
    sheet.freeze_panes = "A2"
    for number, width in enumerate(_widths(folder, names), start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    heads = [WriteOnlyCell(sheet, _xlsx_text(safe_cell(name))) for name in names]
    for head in heads:
        head.font = Font(name="Calibri", size=11, bold=True)
    sheet.append(heads)
    for number, item in enumerate(iterate_items(folder)):
        if number >= MAX_XLSX_ROWS:
            break
        sheet.append([_xlsx_cell(item.get(name)) for name in names])
    target = io.BytesIO()
    book.save(target)
    yield target.getvalue()


def _widths(folder: Path, names: list[str]) -> list[int]:
    """In characters, so that the first items can be read without dragging the columns first."""
    items = list(islice(iterate_items(folder), WIDTHS_BY))
    cells = ([name, *(cell_text(each.get(name)) for each in items)] for name in names)
    return [min(max(NARROWEST, *(len(cell) + 2 for cell in column)), WIDEST) for column in cells]


def _xlsx_cell(value: Any) -> str | int | float | bool | None:
    if value is None:
        return None
    is_exact = isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 10**15)
    return value if is_exact else _xlsx_text(safe_cell(value))


def _xlsx_text(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


_EXPORTS = {"jsonl": _jsonl, "json": _json, "csv": _csv, "xlsx": _xlsx}

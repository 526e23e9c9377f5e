from __future__ import annotations

import csv
import io
import json

import pytest
from openpyxl import load_workbook

from tasks.execution.items import (
    MAX_ITEM_BYTES,
    export_items,
    iterate_items,
    read_items,
    safe_cell,
)


def write(folder, *items):
    lines = (
        item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in items
    )
    (folder / "items.jsonl").write_bytes(b"".join(lines))


def test_pages_follow_one_another(tmp_path):
    write(tmp_path, *({"n": number} for number in range(45)))
    first = read_items(tmp_path, limit=20)
    second = read_items(tmp_path, first.end, 20)
    third = read_items(tmp_path, second.end, 20)
    numbers = [item["n"] for page in (first, second, third) for item in page.items]
    assert numbers == list(range(45))
    assert (first.is_last, third.is_last) == (False, True)


def test_an_item_that_is_still_being_written_is_left_for_later(tmp_path):
    write(tmp_path, {"n": 1}, b'{"n": 2')
    page = read_items(tmp_path)
    assert page.items == [{"n": 1}]
    assert not page.is_last


def test_lines_that_are_no_items_are_left_out(tmp_path):
    write(tmp_path, b"not json\n", b"[1]\n", b"[" * 100_000 + b"\n", {"n": 1})
    assert list(iterate_items(tmp_path)) == [{"n": 1}]


def test_an_item_too_large_to_show_is_said_in_tables_and_whole_in_json(tmp_path):
    items = [{"n": 1}, {"n": "x" * (MAX_ITEM_BYTES * 2 + 10)}, {"n": 2}]
    write(tmp_path, *items, b'{"n": "' + b"y" * (MAX_ITEM_BYTES + 10))
    said = {"item_too_large": "8.0\xa0MB"}
    assert read_items(tmp_path).items == list(iterate_items(tmp_path)) == [items[0], said, items[2]]
    lines = b"".join(export_items(tmp_path, "jsonl")).splitlines()
    assert [json.loads(line) for line in lines] == items
    assert json.loads(b"".join(export_items(tmp_path, "json"))) == items
    rows = b"".join(export_items(tmp_path, "csv")).decode("utf-8-sig").splitlines()
    assert rows == ["n,item_too_large", "1,", ",8.0\xa0MB", "2,"]


def test_no_file_and_a_link_are_no_items(tmp_path):
    assert read_items(tmp_path).items == []
    target = tmp_path / "other"
    target.write_text('{"password": 1}\n')
    (tmp_path / "items.jsonl").symlink_to(target)
    assert read_items(tmp_path).items == []


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        (-5, "-5"),
        (None, ""),
        ("plain", "plain"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_spreadsheets_never_run_a_cell(value, cell):
    assert safe_cell(value) == cell


def test_csv_has_all_columns_in_order_of_appearance(tmp_path):
    write(tmp_path, {"b": 1, "a": "å"}, {"a": "=1", "c": None, "b": -2})
    text = b"".join(export_items(tmp_path, "csv")).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["b", "a", "c"],
        ["1", "å", ""],
        ["-2", "'=1", ""],
    ]


def test_xlsx_keeps_numbers_and_defuses_formulas(tmp_path):
    write(tmp_path, {"price": 1.5, "name": "=1+1", "ean": 4006381333931123456, "\x01odd": "a\x02b"})
    book = load_workbook(io.BytesIO(b"".join(export_items(tmp_path, "xlsx"))))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows == [("price", "name", "ean", "odd"), (1.5, "'=1+1", "4006381333931123456", "ab")]


def test_a_workbook_can_be_read_as_it_opens(tmp_path):
    write(tmp_path, {"id": 1, "name": "x" * 30, "page": "y" * 300}, {"id": 2, "name": None})
    sheet = load_workbook(io.BytesIO(b"".join(export_items(tmp_path, "xlsx")))).active
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    assert [sheet.column_dimensions[letter].width for letter in "ABC"] == [9, 32, 60]
    # Nothing at all, so that it isn't counted.
    assert not [cell for cell in sheet[3] if cell.data_type == "inlineStr"]


@pytest.mark.parametrize("items", [[], [{"n": 1}], [{"n": 1}, {"n": "ü"}]])
def test_json_is_one_list(tmp_path, items):
    write(tmp_path, *items)
    assert json.loads(b"".join(export_items(tmp_path, "json"))) == items


def test_jsonl_is_one_item_per_line(tmp_path):
    write(tmp_path, {"n": 1}, {"n": 2})
    assert b"".join(export_items(tmp_path, "jsonl")) == b'{"n": 1}\n{"n": 2}\n'


def test_half_a_character_spoils_no_download(tmp_path):
    (tmp_path / "items.jsonl").write_bytes(b'{"n": "\\ud800"}\n')
    for form in ("jsonl", "json", "csv", "xlsx"):
        assert b"".join(export_items(tmp_path, form))

from __future__ import annotations

import ast
import re

from tests.environment import ROOT

from .tools import CODE, tracked, tracked_below

FILE_LINES = 500
FUNCTION_LINES = 40
# Migrations are written by Django; nobody reads them top to bottom.
GENERATED = "migrations"
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplemented\w*)\b")


def ours(*places: str):
    return [file for file in tracked_below(*places) if GENERATED not in file.parts]


def test_no_file_is_too_long_to_read():
    texts = ours(*CODE, "tests")
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in texts}
    assert {
        str(file.relative_to(ROOT)): lines for file, lines in lengths.items() if lines > FILE_LINES
    } == {}


def long_functions(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"


def test_no_function_is_too_long_to_read():
    assert [found for file in ours(*CODE) for found in long_functions(file)] == []


def test_nothing_is_left_for_later():
    places = {ROOT / place for place in (*CODE, "templates", "deploy", "docs")}
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked()
        if places & {file, *file.parents} and file.suffix in {".py", ".html", ".js", ".css", ".md"}
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if MARKS.search(line)
    ]
    assert found == []

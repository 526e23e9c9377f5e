from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.exchange import nodes
from tasks.exchange.json_reader import read_json
from tasks.exchange.nodes import MAX_BYTES, MAX_DEPTH
from tasks.exchange.problems import FileRefused
from tasks.exchange.reading import decode, read_tree
from tasks.exchange.writing import write_document
from tasks.exchange.yaml_reader import read_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
WHOLE = st.integers(-(10**18) + 1, 10**18 - 1)
SCALARS = (
    st.none() | st.booleans() | WHOLE | TEXT | st.floats(allow_nan=False, allow_infinity=False)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(TEXT, TREES, max_size=5))
def test_what_is_written_reads_back_in_both_forms(tree):
    for file_format, read in (("json", read_json), ("yaml", read_yaml)):
        text = write_document(tree, file_format=file_format)
        found = read(text).plain()
        assert found == tree
        assert write_document(found, file_format=file_format) == text


@settings(deadline=None)
@given(TREES)
def test_json_reads_as_the_standard_library_reads_it(tree):
    for indent in (None, 2):
        text = json.dumps(tree, indent=indent)
        assert read_json(text).plain() == json.loads(text)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    for read in (read_json, read_yaml):
        with contextlib.suppress(FileRefused):
            read(text).plain()


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "~", "null", "1e5", "1.5", "007", "12:30", "2026-04-02", "0x1F", "1_000",
     "*/15", "- a", "a: b", "# no", "=", "<<", ".inf", ".nan", "!", "&a", " a", "a ", "", "'", '"',
     "\u2028", "\x85", "\ufeff", "a\nb", "a\n", "\t", "\x7f", "😀", "{a", "[b", "%x", "@y", "`z"],
)  # fmt: skip
def test_text_stays_text(text):
    tree = {"key": text, text: "value"}
    for file_format in ("json", "yaml"):
        written = write_document(tree, file_format=file_format)
        assert read_tree(written, file_format=file_format).plain() == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("NO", "NO"), ("true", True), ("~", None), ("", None), ("12", 12),
        ("-3", -3), ("007", "007"), ("1.5", 1.5), ("1e3", 1000.0), ("12:30", "12:30"),
        ("2026-04-02 09:30:00", "2026-04-02 09:30:00"), ("1_000", "1_000"), ("'12'", "12"),
        ('"a\\tb"', "a\tb"), ("9-17", "9-17"), ("mon,wed", "mon,wed"),
    ],
)  # fmt: skip
def test_plain_yaml_means_what_it_says(text, value):
    found = read_yaml(f"key: {text}\n").plain()["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "empty"),
        ("a: 1\nb: *x\n", 2, "alias"),
        ("a: 1\nminute: */15\n", 2, "quotes"),
        ("a: &x 1\n", 1, "aliases"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "Tags"),
        ("a: !!binary aGk=\n", 1, "Tags"),
        ("a: !env X\n", 1, "Tags"),
        ("a: 1\na: 2\n", 2, "twice"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: .nan\n", 1, "number"),
        ("a: -.inf\n", 1, "number"),
        ("a: 1e999\n", 1, "too large"),
        (f"a: {'9' * 40}\n", 1, "too large"),
        ("a: {b: [\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("? [a]\n: 1\n", 1, "one line"),
        ('a: "\\0"\n', 1, "can't be kept"),
        ("a: \x07\n", 0, "does not allow"),
        ("[" * 5000 + "]" * 5000, 1, "too deep"),
        ("a: " * 1, 0, None),
    ],
)
def test_yaml_that_is_refused_says_where(text, line, words):
    if words is None:
        assert read_yaml(text).plain() == {"a": None}
        return
    with pytest.raises(FileRefused, match=words) as caught:
        read_yaml(text)
    assert caught.value.problems[0].line in {line, line + 1} if line else True


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "value is expected"),
        ('{"a": 1,\n "a": 2}', 2, "twice"),
        ('{"a": NaN}', 1, "value is expected"),
        ('{"a": Infinity}', 1, "value is expected"),
        ('{"a": 1e999}', 1, "too large"),
        ('{"a": ' + "9" * 5000 + "}", 1, "too large"),
        ('{"a": 01}', 1, "expected"),
        ('{\n"a": 1\n"b": 2}', 3, "“,” is expected"),
        ('{"a": 1,}', 1, "comma before the end"),
        ("[1,]", 1, "comma before the end"),
        ('{"a": 1} x', 1, "more text"),
        ('{"a": "b', 1, "not closed"),
        ('{"a": "\\x"}', 1, "wrong escape"),
        ('{"a": "b\nc"}', 1, "not closed"),
        ('{"a": "\\u0000"}', 1, "can't be kept"),
        ('{"a": "\\ud800"}', 1, "can't be kept"),
        ("{a: 1}", 1, "name in quotes"),
        ("[" * 100_000, 1, "too deep"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), 1, "too deep"),
    ],
)
def test_json_that_is_refused_says_where(text, line, words):
    with pytest.raises(FileRefused, match=words) as caught:
        read_json(text)
    assert caught.value.problems[0].line == line


def test_a_file_of_many_values_is_refused(monkeypatch):
    monkeypatch.setattr(nodes, "MAX_NODES", 500)
    assert len(read_json("[" + "1," * 498 + "1]").value) == 499
    with pytest.raises(FileRefused, match="too many values"):
        read_json("[" + "1," * 499 + "1]")


def test_bytes_must_be_utf_8_and_few():
    assert decode("\ufeffå".encode()) == "å"
    with pytest.raises(FileRefused, match="UTF-8") as caught:
        decode(b"a: 1\nb: \xff\n")
    assert caught.value.problems[0].line == 2
    with pytest.raises(FileRefused, match="larger than"):
        decode(b" " * (MAX_BYTES + 1))

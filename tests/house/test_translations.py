from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

from tasks.management.translations import read
from tests.environment import ROOT

LOCALES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))
# Name of the function → which of its arguments are texts; the context, if any, comes first.
PLAIN = {"_": 1, "gettext": 1, "gettext_lazy": 1, "gettext_noop": 1}
PLURAL = {"ngettext": 2, "ngettext_lazy": 2}
CONTEXT = {"pgettext": 2, "pgettext_lazy": 2}
CONTEXT_PLURAL = {"npgettext": 3, "npgettext_lazy": 3}
TAKES = {**PLAIN, **PLURAL, **CONTEXT, **CONTEXT_PLURAL}
IN_TEMPLATE = re.compile(
    r"\b(_|gettext|ngettext|pgettext|npgettext)\((u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"(?:\s*,\s*u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"))*)"
)

Text = tuple[str, str, str]  # context, singular, plural


def as_text(function: str, parts: list[str]) -> Text:
    if function in CONTEXT or function in CONTEXT_PLURAL:
        context, *parts = parts
    else:
        context = ""
    return context, parts[0], parts[1] if len(parts) > 1 else ""


def in_python(path: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        parts = [a.value for a in node.args[: TAKES.get(name, 0)] if isinstance(a, ast.Constant)]
        if parts and all(isinstance(part, str) for part in parts):
            yield as_text(name, parts)


def in_template(path: Path) -> Iterator[Text]:
    for function, arguments in IN_TEMPLATE.findall(templatize(path.read_text(encoding="utf-8"))):
        parts = ast.literal_eval(f"({arguments},)")
        yield as_text(function, list(parts))


def used_texts() -> set[Text]:
    code = [p for folder in ("tasks", "scheduler_site") for p in (ROOT / folder).rglob("*.py")]
    pages = [*(ROOT / "templates").rglob("*.*"), *(ROOT / "tasks").rglob("*.html")]
    found = {text for path in code for text in in_python(path)}
    found |= {text for path in pages for text in in_template(path)}
    return {text for text in found if text[1]}


def key_of(text: Text) -> str:
    context, singular, plural = text
    key = f"{context}\x04{singular}" if context else singular
    return f"{key}\0{plural}" if plural else key


@pytest.mark.parametrize("path", LOCALES, ids=lambda path: path.parent.parent.name)
def test_every_text_has_a_translation_that_is_no_guess(path: Path) -> None:
    # What is empty or fuzzy isn't among them. A text may stand alone here, with a plural there.
    known = {key.split("\0")[0] for key in read(path.read_text(encoding="utf-8"))}
    used = {key_of(text).split("\0")[0] for text in used_texts()}
    assert len(used) > 1000
    assert not used - known, "run makemessages (docs/decisions.md) and translate these"


def test_the_test_sees_texts_in_code_and_templates(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "{% load i18n %}{% translate 'One' %}{% blocktranslate count n=n %}{{ n }} a"
        "{% plural %}{{ n }} b{% endblocktranslate %}{% translate 'May' context 'month' %}"
    )
    code = tmp_path / "code.py"
    code.write_text("_('Two'); ngettext('%d x', '%d y', n); pgettext('c', 'Three'); other('No')")
    assert set(in_template(page)) == {
        ("", "One", ""),
        ("", "%(n)s a", "%(n)s b"),
        ("month", "May", ""),
    }
    assert set(in_python(code)) == {("", "Two", ""), ("", "%d x", "%d y"), ("c", "Three", "")}

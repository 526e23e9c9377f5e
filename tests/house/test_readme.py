from __future__ import annotations

import re

from tests.environment import ROOT, setting_names

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")([^)#\s\"]+)")


def settings_in_the_table() -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z_]+)` \|", README, re.MULTILINE))


def test_every_setting_stands_in_the_table():
    assert setting_names() - settings_in_the_table() == set()


def test_the_table_names_only_settings():
    assert settings_in_the_table() - setting_names() == set()


def broken_links(file):
    for target in LINK.findall(file.read_text(encoding="utf-8")):
        if "://" not in target and not (file.parent / target).exists():
            yield f"{file.relative_to(ROOT)} -> {target}"


def test_every_link_inside_the_house_leads_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert [link for page in pages for link in broken_links(page)] == []

"""Turns locale/*/LC_MESSAGES/*.po into what gettext reads, without needing its programs."""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path

MAGIC = 0x950412DE
_LINE = re.compile(r'(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)?\s*(".*")')
Entry = dict[str, str]


def compile_all(locale: Path) -> list[Path]:
    """Compiles what is newer than its result; returns what was written."""
    written = []
    for source in locale.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            _replace(target, to_mo(read(source.read_text(encoding="utf-8"))))
            written.append(target)
    return written


def _replace(target: Path, content: bytes) -> None:
    part = target.with_suffix(f".{id(content)}.part")
    part.write_bytes(content)
    part.replace(target)


def read(text: str) -> dict[str, str]:
    """Source texts to translations, as gettext keys them; the untranslated are left out."""
    catalogue = {}
    for block in re.split(r"\n\s*\n", text):
        entry = _entry(block)
        if entry.get("msgid") is None or _is_fuzzy(block):
            continue
        translations = [entry[name] for name in sorted(entry) if name.startswith("msgstr")]
        if all(translations):
            catalogue[_key(entry)] = "\0".join(translations)
    return catalogue


def _is_fuzzy(block: str) -> bool:
    return any(line.startswith("#,") and "fuzzy" in line for line in block.splitlines())


def _entry(block: str) -> Entry:
    entry: Entry = {}
    for name, value in _strings(block):
        entry[name] = entry.get(name, "") + value
    return entry


def _strings(block: str) -> Iterator[tuple[str, str]]:
    name = ""
    for line in block.splitlines():
        found = None if line.startswith("#") else _LINE.fullmatch(line.strip())
        if found:
            name = found[1] or name
            yield name, ast.literal_eval(found[2])


def _key(entry: Entry) -> str:
    key = entry["msgid"]
    if "msgid_plural" in entry:
        key += "\0" + entry["msgid_plural"]
    return f"{entry['msgctxt']}\x04{key}" if "msgctxt" in entry else key


def to_mo(catalogue: dict[str, str]) -> bytes:
    """The binary form that the GNU gettext manual describes (The Format of GNU MO Files)."""
    pairs = [(k.encode(), v.encode()) for k, v in sorted(catalogue.items())]
    count = len(pairs)
    keys_at, values_at = 28, 28 + 8 * count
    place = 28 + 16 * count
    tables: list[list[int]] = [[], []]
    body = b""
    for side in (0, 1):
        for pair in pairs:
            tables[side] += [len(pair[side]), place + len(body)]
            body += pair[side] + b"\0"
    header = struct.pack("<7I", MAGIC, 0, count, keys_at, values_at, 0, 0)
    return header + struct.pack(f"<{4 * count}I", *tables[0], *tables[1]) + body

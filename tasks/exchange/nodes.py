"""Data that knows its lines: what both readers make of a file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from tasks.exchange.problems import FileRefused

MAX_BYTES = 10_000_000
MAX_DEPTH = 20
MAX_NODES = 500_000
MAX_DIGITS = 18

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]


@dataclass
class Node:
    line: int
    value: Any = None  # a Scalar, dict[str, Node] or list[Node]
    # Where each key of a mapping stands.
    key_lines: dict[str, int] = field(default_factory=dict)

    def plain(self) -> Any:
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def line_of(self, path: Path) -> int:
        """The line of what `path` leads to, or of the nearest thing on the way."""
        node, line = self, self.line
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                line, node = node.key_lines.get(str(step), line), node.value[step]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.line
            else:
                break
        return line


class Limits:
    """Counts while a file is read, so that a hostile one is refused before it costs much."""

    def __init__(self) -> None:
        self.nodes = 0

    def count(self, line: int, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise FileRefused.at(_("The file has too many values."), line=line)
        if depth > MAX_DEPTH:
            raise FileRefused.at(_("This is nested too deep."), line=line)


def add_key(mapping: Node, key: str, node: Node, line: int) -> None:
    if key in mapping.value:
        message = _("“%s” stands here twice.") % key[:60]
        raise FileRefused.at(message, line=line, field=key[:60])
    if "\x00" in key:
        raise FileRefused.at(_("A name has a character that can't be kept."), line=line)
    mapping.value[key] = node
    mapping.key_lines[key] = line


def whole(text: str, line: int) -> int:
    if len(text.lstrip("+-")) > MAX_DIGITS:
        raise FileRefused.at(_("This number is too large."), line=line)
    return int(text)


def fraction(text: str, line: int) -> float:
    number = float(text) if len(text) <= 100 else math.inf
    if not math.isfinite(number):
        raise FileRefused.at(_("This number is too large."), line=line)
    return number


def check_text(text: str, line: int) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise FileRefused.at(_("This text has a character that can't be kept."), line=line)
    return text


def join(path: Path) -> str:
    return ".".join(str(step) for step in path)

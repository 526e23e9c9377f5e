"""JSON that knows its lines; the standard library's reader says them only for its own errors."""

from __future__ import annotations

import json
import re
from bisect import bisect_right

from django.utils.translation import gettext as _

from tasks.exchange.nodes import Limits, Node, add_key, check_text, fraction, whole
from tasks.exchange.problems import FileRefused

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORDS = {"true": True, "false": False, "null": None}


def read_json(text: str) -> Node:
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.limits = Limits()
        self.breaks = [match.start() for match in re.finditer("\n", text)]

    @property
    def line(self) -> int:
        return bisect_right(self.breaks, self.at - 1) + 1

    def document(self) -> Node:
        node = self.value(0)
        if self.peek():
            raise self.refused(_("There is more text after the end."))
        return node

    def peek(self) -> str:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.text[self.at : self.at + 1]

    def refused(self, message: str) -> FileRefused:
        return FileRefused.at(message, line=self.line)

    def value(self, depth: int) -> Node:
        first = self.peek()
        self.limits.count(self.line, depth)
        if first == "{":
            return self.mapping(depth)
        if first == "[":
            return self.sequence(depth)
        if first == '"':
            line = self.line
            return Node(line, check_text(self.string(), line))
        return self.word()

    def mapping(self, depth: int) -> Node:
        node = Node(self.line, {})
        self.at += 1
        while self.peek() != "}":
            if self.peek() != '"':
                raise self.refused(_("This is not JSON: a name in quotes is expected."))
            line, key = self.line, self.string()
            self.expect(":")
            add_key(node, check_text(key, line), self.value(depth + 1), line)
            self.separate("}")
        self.at += 1
        return node

    def sequence(self, depth: int) -> Node:
        node = Node(self.line, [])
        self.at += 1
        while self.peek() != "]":
            node.value.append(self.value(depth + 1))
            self.separate("]")
        self.at += 1
        return node

    def separate(self, end: str) -> None:
        if self.peek() == end:
            return
        self.expect(",")
        if self.peek() == end:
            raise self.refused(_("This is not JSON: there is a comma before the end."))

    def expect(self, mark: str) -> None:
        if self.peek() != mark:
            raise self.refused(_("This is not JSON: “%s” is expected here.") % mark)
        self.at += 1

    def string(self) -> str:
        literal = _STRING.match(self.text, self.at)
        try:
            text = json.loads(literal[0]) if literal else None
        except ValueError:  # an escape that JSON doesn't have
            text = None
        if literal is None or text is None:
            raise self.refused(_("This is not JSON: a text is not closed, or has a wrong escape."))
        self.at = literal.end()
        return str(text)

    def word(self) -> Node:
        line = self.line
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            read = fraction if number[1] or number[2] else whole
            return Node(line, read(number[0], line))
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return Node(line, value)
        raise self.refused(_("This is not JSON: a value is expected here."))

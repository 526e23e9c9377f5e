"""YAML as data only: no tags, no aliases, no second document, no surprise types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from django.utils.translation import gettext as _

from tasks.exchange.nodes import Limits, Node, Scalar, add_key, check_text, fraction, whole
from tasks.exchange.problems import FileRefused

# The core schema of YAML 1.2, except that 007 is text: `no` is Norway, 10:30 is a time of day.
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FRACTION = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(?:0|[1-9][0-9]*)(?=[eE]))(?:[eE][-+]?[0-9]{1,5})?",
    re.ASCII,
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_PLAIN_TAGS = {"tag:yaml.org,2002:str", "!"}


def read_yaml(text: str) -> Node:
    try:
        return _build(yaml.parse(text, Loader=_loader()))
    except yaml.MarkedYAMLError as error:
        raise _refused(error) from None
    except yaml.YAMLError:  # a character that YAML doesn't have
        raise FileRefused.at(_("The file has a character that YAML does not allow.")) from None


def _loader() -> Any:
    # libyaml where the wheel brings it: some ten times quicker.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _refused(error: yaml.MarkedYAMLError) -> FileRefused:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    if "alias" in str(error.context):
        message = _("A text that begins with * needs quotes around it; aliases are not read.")
        return FileRefused.at(message, line=line)
    return FileRefused.at(
        _("This is not YAML: %s.") % (error.problem or _("unreadable")), line=line
    )


def _build(events: Iterator[Any]) -> Node:
    """Walks events with a stack of its own: nesting costs no recursion."""
    limits = Limits()
    root: Node | None = None
    stack: list[tuple[Node, str | None, int]] = []
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise FileRefused.at(_("The file has a second document."), line=line)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
        node = _node(event, line)
        if node is None:
            continue
        limits.count(line, len(stack))
        root = root or node
        _place(stack, node)
        if isinstance(node.value, (dict, list)):
            stack.append((node, None, 0))
    if root is None:
        raise FileRefused.at(_("The file is empty."))
    return root


def _node(event: Any, line: int) -> Node | None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise FileRefused.at(_("Anchors and aliases (& and *) are not read."), line=line)
    if getattr(event, "tag", None) not in {None, *_PLAIN_TAGS}:
        raise FileRefused.at(_("Tags (!) are not read."), line=line)
    if isinstance(event, yaml.MappingStartEvent):
        return Node(line, {})
    if isinstance(event, yaml.SequenceStartEvent):
        return Node(line, [])
    if isinstance(event, yaml.ScalarEvent):
        is_plain = event.implicit[0] and event.tag is None
        value = scalar(event.value, line) if is_plain else event.value
        return Node(line, check_text(value, line) if isinstance(value, str) else value)
    return None


def scalar(text: str, line: int = 0) -> Scalar:
    """What a plain (unquoted) text stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return whole(text, line)
    if _FRACTION.fullmatch(text):
        return fraction(text, line)
    if _NOT_FINITE.fullmatch(text):
        raise FileRefused.at(_("This is not a number that can be kept."), line=line)
    return text


def _place(stack: list[tuple[Node, str | None, int]], node: Node) -> None:
    if not stack:
        return
    parent, key, key_line = stack[-1]
    if isinstance(parent.value, list):
        parent.value.append(node)
    elif key is None:
        if isinstance(node.value, (dict, list)):
            raise FileRefused.at(_("A name must be one line of text."), line=node.line)
        name = "null" if node.value is None else str(node.value)
        stack[-1] = (parent, name, node.line)
    else:
        add_key(parent, key, node, key_line)
        stack[-1] = (parent, None, 0)

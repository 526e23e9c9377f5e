"""The full form as text: the same tasks give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import yaml

from tasks.exchange.full import VERSION
from tasks.exchange.states import compact, natural_order
from tasks.exchange.yaml_reader import scalar

Format = Literal["json", "yaml"]


def write_tasks(states: Iterable[Mapping[str, Any]], *, file_format: Format) -> str:
    tasks = [compact(state) for state in states]
    tasks.sort(key=lambda task: natural_order(task["task_id"]))
    return write_document({"version": VERSION, "tasks": tasks}, file_format=file_format)


def write_document(document: Mapping[str, Any], *, file_format: Format) -> str:
    if file_format == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**30)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists stand two blanks in, as people write them.
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_quotes(text))


def _quotes(text: str) -> str | None:
    """Where a reader could take it for something else than this text."""
    if any(character in text for character in "\x85\u2028\u2029"):
        return '"'
    return None if "\n" in text or isinstance(_plain(text), str) else "'"


def _plain(text: str) -> object:
    try:
        return scalar(text)
    except ValueError:
        return None


def _fraction(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    # As JSON writes it, so that both forms read back to the same number.
    text = repr(number)
    if "." not in text:
        text = text.replace("e", ".0e")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _fraction)

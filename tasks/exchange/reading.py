"""From the text of a file to records: whatever its form, one shape comes out."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext as _

from tasks.exchange import full, pipelines, short
from tasks.exchange.checking import check_shape
from tasks.exchange.json_reader import read_json
from tasks.exchange.nodes import MAX_BYTES, Node
from tasks.exchange.problems import FileRefused
from tasks.exchange.records import Record
from tasks.exchange.yaml_reader import read_yaml

Format = Literal["json", "yaml"]
READERS = {"tasks": full.records, "jobs": short.records, "pipelines": pipelines.records}


def read_records(text: str | bytes, *, file_format: Format | None = None) -> list[Record]:
    """Raises FileRefused with line and field of everything that is wrong."""
    root = read_tree(decode(text), file_format=file_format)
    form = _form(root)
    check_shape(root, form)
    records = READERS[form](root)
    _refuse_twins(records)
    return records


def decode(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        megabytes = MAX_BYTES // 1_000_000
        raise FileRefused.at(_("The file is larger than %d MB.") % megabytes)
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise FileRefused.at(_("The file is not UTF-8 text."), line=line) from None


def format_of(name: str) -> Format | None:
    ending = name.lower().rpartition(".")[2]
    if ending in {"yml", "yaml"}:
        return "yaml"
    return "json" if ending == "json" else None


def read_tree(text: str, *, file_format: Format | None = None) -> Node:
    chosen = file_format or ("json" if text.lstrip()[:1] in {"{", "["} else "yaml")
    return read_json(text) if chosen == "json" else read_yaml(text)


def _form(root: Node) -> str:
    if not isinstance(root.value, dict):
        message = _("The file must begin with one of: %s.")
        raise FileRefused.at(message % ", ".join(READERS), line=root.line)
    found = [name for name in READERS if name in root.value]
    if len(found) != 1:
        message = _("The file must have exactly one of these at its top: %s.")
        raise FileRefused.at(message % ", ".join(READERS), line=root.line)
    return found[0]


def _refuse_twins(records: list[Record]) -> None:
    seen: dict[str, int] = {}
    for record in records:
        if record.task_id in seen:
            message = _("“%(id)s” stands in the file twice, first in line %(line)d.")
            values = {"id": record.task_id, "line": seen[record.task_id]}
            raise FileRefused([record.problem("task_id", message % values)])
        seen[record.task_id] = record.line

from __future__ import annotations

from typing import Any

from tasks.exchange.nodes import Node
from tasks.exchange.records import Record
from tasks.exchange.states import SECRET, compact, schedule_defaults, task_defaults
from tasks.models.schedule import default_timezone

VERSION = 1


def records(root: Node) -> list[Record]:
    return [_record(root, index, each) for index, each in enumerate(root.plain()["tasks"])]


def _record(root: Node, index: int, given: dict[str, Any]) -> Record:
    # It says everything about the task: what it leaves out is at its default.
    fields = {**task_defaults(), **given}
    arguments = fields["arguments"]
    return Record(
        task_id=fields.pop("task_id"),
        schedules=fields.pop("schedules"),
        # A reference stands for a value that the file doesn't have: the stored one stays.
        fields={
            **fields,
            "arguments": {name: each for name, each in arguments.items() if each != SECRET},
        },
        root=root,
        path=("tasks", index),
        given=_as_exported({**task_defaults(), **given}),
        references=[name for name, each in arguments.items() if each == SECRET],
    )


def _as_exported(given: dict[str, Any]) -> dict[str, Any]:
    """As `export` would write what the file says, whether or not it spells out defaults."""
    usual = {**schedule_defaults(), "timezone": default_timezone()}
    schedules = [{**usual, "key": each["kind"], **each} for each in given["schedules"]]
    return compact({**given, "tags": sorted(given["tags"]), "schedules": schedules})

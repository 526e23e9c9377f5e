from __future__ import annotations

from typing import Any

from tasks.exchange.nodes import Node
from tasks.exchange.records import Record
from tasks.exchange.states import SECRET, task_defaults

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
        given=given,
        references=[name for name, each in arguments.items() if each == SECRET],
    )

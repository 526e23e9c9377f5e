"""`pipelines.yml`: chains of classes as tasks; one without a schedule runs at the start."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from tasks.exchange.nodes import Node, Path
from tasks.exchange.problems import FileRefused
from tasks.exchange.records import Record
from tasks.exchange.short import UNITS


def records(root: Node) -> list[Record]:
    pipelines = root.plain()["pipelines"]
    return [_record(root, ("pipelines", name), name, each) for name, each in pipelines.items()]


def _record(root: Node, path: Path, name: str, pipeline: dict[str, Any]) -> Record:
    record = Record(
        task_id=task_id_of(name),
        fields={"name": name, "kind": "pipeline", "arguments": {"chain": _chain(pipeline)}},
        schedules=[],
        root=root,
        path=path,
        places={
            "task_id": (),
            "name": (),
            "arguments": (),
            "schedules.0": ("schedule",),
            "schedules.0.cron": ("schedule", "cron"),
        },
    )
    if "description" in pipeline:
        record.fields["description"] = pipeline["description"]
    record.schedules = [_schedule(record, pipeline.get("schedule"))]
    return record


def task_id_of(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:100]


def _chain(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"class": step["class"], "kwargs": step.get("kwargs") or {}} for step in pipeline["chain"]
    ]


def _schedule(record: Record, schedule: dict[str, Any] | None) -> dict[str, Any]:
    if not schedule:
        return {"key": "startup", "kind": "startup"}
    zone = {"timezone": schedule["timezone"]} if schedule.get("timezone") else {}
    if "cron" in schedule and "interval" in schedule:
        message = _("Give either cron or interval.")
        raise FileRefused([record.problem("schedules.0", message)])
    if "cron" in schedule:
        return {"key": "cron", "kind": "cron", "cron": schedule["cron"], **zone}
    for unit in UNITS:
        record.places[f"schedules.0.{unit}"] = ("schedule", "interval", unit)
    units = {unit: schedule["interval"].get(unit) or 0 for unit in UNITS}
    return {"key": "interval", "kind": "interval", **units, **zone}

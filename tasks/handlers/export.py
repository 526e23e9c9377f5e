from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy

from tasks.handlers.base import (
    Handler,
    Job,
    JobFailed,
    Problems,
    problem_of_task,
    task_argument,
)
from tasks.models import Task

logger = logging.getLogger(__name__)


class ExportHandler(Handler):
    """Writes the newest good items of another task to a file in the run's folder."""

    kind: ClassVar[str] = Task.Kind.EXPORT
    description = gettext_lazy(
        "Takes the newest good items of another task and writes them to a file: CSV, Excel or JSON."
    )
    schema = {
        "type": "object",
        "required": ["task"],
        "properties": {
            "task": task_argument(
                gettext_lazy("Task to export"),
                gettext_lazy("Its newest run that ended well is written."),
            ),
            "format": {
                "type": "string",
                "enum": ["csv", "xlsx", "json", "jsonl"],
                "default": "csv",
                "title": gettext_lazy("File format"),
            },
        },
    }

    def problems(self, arguments: Mapping[str, Any]) -> Problems:
        found = problem_of_task(arguments["task"])
        return {"task": found} if found else {}

    def perform(self, job: Job) -> None:
        task_id, form = job.arguments["task"], format_of(job.arguments)
        runs = job.services.good_runs(task_id, 1)
        if not runs:
            raise JobFailed("no_good_run", task=task_id)
        path = job.folder / file_name(job.arguments)
        _write(path, job.services.export(runs[0], form))
        # Its own items too, so that the run's page shows them and offers every other format.
        for item in job.services.items_of(runs[0]):
            job.emit(item)
        logger.info("Wrote %s (%s bytes): run %s", path.name, path.stat().st_size, runs[0].pk)


def format_of(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("format", "csv"))


def file_name(arguments: Mapping[str, Any]) -> str:
    return f"{arguments['task']}.{format_of(arguments)}"


def _write(path: Path, parts: Iterable[bytes]) -> None:
    draft = path.with_name(f".{path.name}")
    try:
        with draft.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
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


class ExportHandler(Handler):
    """Writes the newest good items of another task to a file in the run's folder."""

    kind: ClassVar[str] = Task.Kind.EXPORT
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
        task_id, form = job.arguments["task"], job.arguments.get("format", "csv")
        runs = job.services.good_runs(task_id, 1)
        if not runs:
            raise JobFailed(_("The task “%s” has no run with items yet.") % task_id)
        path = job.folder / f"{task_id}.{form}"
        draft = path.with_name(f".{path.name}")
        with draft.open("wb") as file:
            for part in job.services.export(runs[0], form):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        job.emit(
            {
                "file": path.name,
                "bytes": path.stat().st_size,
                "items": runs[0].items,
                "task": task_id,
                "run": str(runs[0].pk),
                "read_at": runs[0].finished_at.isoformat() if runs[0].finished_at else None,
            }
        )

from __future__ import annotations

from collections.abc import Mapping
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
from tasks.handlers.comparison import compare, digest
from tasks.models import Task


class AnalysisHandler(Handler):
    """What differs between the newest good runs of a task."""

    kind: ClassVar[str] = Task.Kind.ANALYSIS
    description = gettext_lazy(
        "Compares two good runs of a task: what is new, gone or changed, and what is missing."
    )
    schema = {
        "type": "object",
        "required": ["task"],
        "properties": {
            "task": task_argument(
                gettext_lazy("Task to analyse"),
                gettext_lazy("Its newest run that ended well is compared with an earlier one."),
            ),
            "key": {
                "type": "string",
                "default": "url",
                "minLength": 1,
                "maxLength": 100,
                "title": gettext_lazy("What tells items apart"),
                "description": gettext_lazy("The field that stays the same from run to run."),
            },
            "watch": {
                "type": "array",
                "default": ["price", "availability"],
                "maxItems": 20,
                "items": {"type": "string", "maxLength": 100},
                "title": gettext_lazy("Fields to watch"),
                "description": gettext_lazy("One per line."),
            },
            "back": {
                "type": "integer",
                "default": 1,
                "minimum": 1,
                "maximum": 100,
                "title": gettext_lazy("Compare with the run before by"),
                "unit": gettext_lazy("runs"),
            },
        },
    }

    def problems(self, arguments: Mapping[str, Any]) -> Problems:
        found = problem_of_task(arguments["task"])
        return {"task": found} if found else {}

    def perform(self, job: Job) -> None:
        task_id, back = job.arguments["task"], int(job.arguments.get("back", 1))
        key = job.arguments.get("key", "url")
        watch = job.arguments.get("watch", ["price", "availability"])
        runs = job.services.good_runs(task_id, back + 1)
        if len(runs) <= back:
            raise JobFailed("few_good_runs", task=task_id, needed=back + 1, has=len(runs))
        now, before = (
            digest(job.services.items_of(run), key=key, watch=watch) for run in (runs[0], runs[-1])
        )
        for finding in compare(before, now, watch=watch):
            job.emit(finding)

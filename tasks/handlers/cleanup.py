from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy

from tasks.handlers.base import Handler, Job
from tasks.models import Task


class CleanupHandler(Handler):
    """Removes old runs and their files by the rules of each task."""

    kind: ClassVar[str] = Task.Kind.CLEANUP
    description = gettext_lazy(
        "Removes old runs and their files. The scheduler does the same every hour by itself; "
        "such a task does it at a time of its own and lists what it removed."
    )
    test_arguments = {"preview": True}
    schema = {
        "type": "object",
        "properties": {
            "days": {
                "type": "integer",
                "minimum": 1,
                "maximum": 36_500,
                "title": gettext_lazy("Remove runs older than"),
                "description": gettext_lazy(
                    "Empty means the rule of each task. The last good and the last failed run of "
                    "a task are always kept."
                ),
                "unit": gettext_lazy("days"),
            },
            "preview": {
                "type": "boolean",
                "default": False,
                "title": gettext_lazy("Only list what would be removed"),
            },
        },
    }

    def perform(self, job: Job) -> None:
        for removed in job.services.clean_up(job.arguments):
            job.emit(removed)

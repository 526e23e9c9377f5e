from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.handlers.base import Handler, Problems
from tasks.handlers.steps import problem_of_step
from tasks.models import Task


class PipelineHandler(Handler):
    """A chain of the project's own classes; each gets what the one before it returned."""

    kind: ClassVar[str] = Task.Kind.PIPELINE
    runs_project_code = True
    names_code = True
    description = gettext_lazy(
        "Runs classes of the project one after the other. Each gets what the one before returned."
    )
    schema = {
        "type": "object",
        "required": ["chain"],
        "properties": {
            "chain": {
                "type": "array",
                "minItems": 1,
                "maxItems": 50,
                "title": gettext_lazy("Steps"),
                "description": gettext_lazy(
                    "Classes of the project, in order: {class: shop.steps.Load, kwargs: {…}}."
                ),
                "items": {
                    "type": "object",
                    "required": ["class"],
                    "additionalProperties": False,
                    "properties": {
                        "class": {"type": "string", "maxLength": 300},
                        "kwargs": {"type": "object"},
                    },
                },
            }
        },
    }

    def checks(self) -> list[CheckMessage]:
        folder = settings.SCRAPY_PROJECT_PATH
        if Path(folder).is_dir():
            return []
        return [Error(f"SCRAPY_PROJECT_PATH is not a folder: {folder}", id="tasks.E102")]

    def problems(self, arguments: Mapping[str, Any]) -> Problems:
        project = Path(settings.SCRAPY_PROJECT_PATH)
        found = [
            text % {"number": number, "name": str(step["class"])[:100]}
            for number, step in enumerate(arguments["chain"], 1)
            if (text := problem_of_step(step["class"], project))
        ]
        found += [
            _("Step %(number)s: “%(name)s” can't be the name of an argument.")
            % {"number": number, "name": name[:100]}
            for number, step in enumerate(arguments["chain"], 1)
            for name in step.get("kwargs") or {}
            if not name.isidentifier()
        ]
        return {"chain": found} if found else {}

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.checks import CheckMessage
from django.utils.translation import gettext as _

from tasks.models import Run, Task
from tasks.outcomes import sentence

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Item = dict[str, Any]
Schema = Mapping[str, Any]
Problems = dict[str, list[str]]


class JobFailed(Exception):
    """Ends the run with a sentence for people instead of a traceback."""

    def __init__(self, code: str, **values: str | int) -> None:
        self.said = {"code": code, **values}
        super().__init__(sentence(self.said))


@dataclass(frozen=True, kw_only=True)
class Services:
    """What a job may ask of the layers above it."""

    good_runs: Callable[[str, int], list[Run]]
    """The newest runs of a task that ended well and still have their items."""
    items_of: Callable[[Run], Iterable[Item]]
    export: Callable[[Run, str], Iterator[bytes]]
    clean_up: Callable[[Mapping[str, Any]], Iterator[Item]]


@dataclass(frozen=True, kw_only=True)
class Job:
    arguments: Mapping[str, Any]
    folder: Path
    emit: Callable[[Item], None]
    services: Services


class Handler:
    """One kind of task: what it needs, what it accepts, what it does."""

    kind: ClassVar[str]
    is_crawl: ClassVar[bool] = False
    """Runs a spider of the project, whose arguments that spider declares."""
    runs_project_code: ClassVar[bool] = False
    """Runs in the launcher's child, which knows nothing of our database and secrets."""
    names_code: ClassVar[bool] = False
    """Its arguments say which classes run, and so they are an administrator's to write."""
    has_usual_items: ClassVar[bool] = False
    """A run with few items or none needs a look."""
    description: ClassVar[StrPromise | str] = ""
    test_arguments: ClassVar[Mapping[str, Any]] = {}
    """Replaces arguments in a test run, which must not do any harm."""
    schema: ClassVar[Schema] = {"type": "object", "properties": {}}

    def spider_of(self, spider: str) -> str:
        """The spider that such a task runs, whatever was entered."""
        return ""

    def problems(self, arguments: Mapping[str, Any]) -> Problems:
        """Beyond the schema, by argument."""
        return {}

    def checks(self) -> list[CheckMessage]:
        return []

    def perform(self, job: Job) -> None:
        raise JobFailed("kind_not_run")


def problem_of_task(task_id: object) -> list[str]:
    if Task.objects.filter(task_id=str(task_id)).exists():
        return []
    return [_("There is no task “%s”.") % str(task_id)[:100]]


def task_argument(title: StrPromise, description: StrPromise) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": "^[-a-zA-Z0-9_]{1,100}$",
        "format": "task-id",
        "title": title,
        "description": description,
    }

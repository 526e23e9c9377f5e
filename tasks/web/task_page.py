"""The page on which a task is added or changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.http import QueryDict

from tasks.models import Run, Schedule, SpiderInfo, Task
from tasks.services.actors import Actor
from tasks.services.creating import create_task
from tasks.services.errors import Conflict, Forbidden, InvalidInput
from tasks.services.tasks import update_task
from tasks.services.writing import problems_of
from tasks.web.forms.arguments import argument_inputs, read_arguments, unknown_arguments
from tasks.web.forms.inputs import Input, from_bound
from tasks.web.forms.schedule import ScheduleForm
from tasks.web.forms.settings import read_settings, setting_inputs
from tasks.web.forms.task import TaskForm
from tasks.web.jobs import fields_of, look_up, picked_by
from tasks.web.numbers import whole_number

MAX_SCHEDULES = 50
COUNT = "schedules-TOTAL"
Errors = dict[str, list[str]]


class TaskPage:
    def __init__(self, task: Task | None, data: QueryDict | None = None, spider: str = "") -> None:
        self.task, self.bound = task, data is not None
        self.data = data or QueryDict()
        self.errors: Errors = {}
        self.conflict = ""
        start = {"spider": spider} if spider else {}
        self.form = TaskForm(data, task=task, initial=start)
        self.schedules = self._schedule_forms()

    def _schedule_forms(self) -> list[ScheduleForm]:
        stored = self._stored_schedules()
        if not self.bound:
            forms = [ScheduleForm(prefix=f"schedules-{i}", stored=s) for i, s in enumerate(stored)]
            return forms if self.task else [ScheduleForm(prefix="schedules-0")]
        by_key = {schedule.key: schedule for schedule in stored}
        forms = []
        for index in range(_count(self.data)):
            prefix = f"schedules-{index}"
            key = self.data.get(f"{prefix}-key", "")
            forms.append(ScheduleForm(self.data, prefix=prefix, stored=by_key.get(key)))
        return forms

    def _stored_schedules(self) -> list[Schedule]:
        if self.task is None:
            return []
        return list(self.task.schedules.select_related("after_task").order_by("key"))

    def add_schedule(self) -> None:
        prefix = f"schedules-{len(self.schedules)}"
        if len(self.schedules) < MAX_SCHEDULES:
            self.schedules.append(ScheduleForm(prefix=prefix))

    @property
    def kept_schedules(self) -> list[ScheduleForm]:
        return [form for form in self.schedules if not form["DELETE"].value()]

    # --- the spider and what it asks for

    @property
    def spider_name(self) -> str:
        return str(self.form["spider"].value() or "")

    @cached_property
    def spider(self) -> SpiderInfo | None:
        return look_up(self.spider_name)

    @property
    def schema(self) -> dict[str, Any]:
        return self.spider.schema if self.spider else {}

    @property
    def _stored_arguments(self) -> dict[str, Any]:
        same = self.task is not None and picked_by(self.task) == self.spider_name
        return self.task.arguments if self.task and same else {}

    @property
    def arguments(self) -> list[Input]:
        if self.spider is None:
            return []
        stored = self._stored_arguments
        values = stored if not self.bound else self._typed_arguments(stored)
        same = self.task is not None and picked_by(self.task) == self.spider_name
        secrets = self.task.secrets if self.task and same else {}
        return argument_inputs(
            self.schema, values, stored_secrets=frozenset(secrets), errors=self.errors
        )

    def _typed_arguments(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        blank = {each.name.removeprefix("arg_"): None for each in argument_inputs(self.schema, {})}
        posted = any(name.startswith("arg_") for name in self.data)
        return {**(blank if posted else {}), **self.read_arguments(stored)}

    def read_arguments(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return read_arguments(self.schema, self.data, stored)

    @property
    def outdated(self) -> dict[str, Any]:
        return unknown_arguments(self.schema, self._stored_arguments) if self.spider else {}

    @property
    def settings(self) -> list[Input]:
        values: Mapping[str, Any] = self.task.settings if self.task else {}
        if self.bound:
            values = read_settings(self.data)
        return setting_inputs(values, self.errors)

    @property
    def settings_open(self) -> bool:
        return any(name.startswith("settings.") for name in self.errors)

    def fields(self, *names: str, **units: Any) -> list[Input]:
        return [from_bound(self.form[name], units.get(name, "")) for name in names]

    # --- saving

    def save(self, actor: Actor, *, overwrite: bool = False, **forced: Any) -> Task | None:
        """The saved task; None when something has to be mended first."""
        forms = self.kept_schedules
        valid = [form.is_valid() for form in (self.form, *forms)]
        if not all(valid):
            self._show(InvalidInput(self._problems(actor)), forms)
            return None
        fields = self._fields() | forced
        schedules = [form.values() for form in forms]
        try:
            if self.task is None:
                return create_task(actor=actor, schedules=schedules, **fields)
            version = None if overwrite else int(self.data.get("version") or 0)
            return update_task(
                task_id=self.task.task_id,
                actor=actor,
                schedules=schedules,
                expected_version=version,
                **fields,
            )
        except Forbidden:
            raise
        except Conflict as error:
            self.conflict = str(error)
        except InvalidInput as error:
            self._show(error, forms)
        return None

    def _problems(self, actor: Actor) -> Errors:
        """What the services would refuse of the rest, so that all can be mended in one go."""
        found = problems_of(self.task, self._fields(), actor=actor)
        return {name: texts for name, texts in found.items() if name not in self.form.errors}

    def _fields(self) -> dict[str, Any]:
        fields = self.form.values() | {"settings": read_settings(self.data)}
        fields |= fields_of(self.spider_name, self.task)
        if self.spider_name:
            fields["arguments"] = self.read_arguments(self._stored_arguments)
        return fields

    def _show(self, error: InvalidInput, forms: list[ScheduleForm]) -> None:
        """Each message beside the field that it is about."""
        self.errors = error.errors
        for path, texts in error.errors.items():
            head, _dot, rest = path.partition(".")
            index, _dot, field = rest.partition(".")
            for text in texts:
                if head == "schedules" and index.isdigit() and int(index) < len(forms):
                    forms[int(index)].add_service_error(field, text)
                elif head not in {"arguments", "settings"}:
                    self.form.add_error(path if path in self.form.fields else None, text)

    @property
    def has_errors(self) -> bool:
        forms = (self.form, *self.schedules)
        return bool(self.errors) or any(form.is_bound and form.errors for form in forms)


def _count(data: Mapping[str, Any]) -> int:
    return min(whole_number(str(data.get(COUNT, ""))) or 0, MAX_SCHEDULES)


TEST_ITEMS = 5


def test_settings(task: Task) -> dict[str, Any]:
    """A test run ends after a few items; everything else is as in a real one."""
    return {**task.settings, "CLOSESPIDER_ITEMCOUNT": TEST_ITEMS}


def last_run(task: Task) -> Run | None:
    return task.runs.newest_first().first()

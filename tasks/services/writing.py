"""What people set on a task, checked alike whether the task is made or changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tasks import secrets
from tasks.channels import clean_kinds, clean_recipients
from tasks.executors import EXECUTORS
from tasks.handlers import HANDLERS, handler_of
from tasks.models import Preset, Schedule, SpiderInfo, Tag, Task
from tasks.secrets import MASK
from tasks.services.actors import Actor
from tasks.services.arguments import Schemas, clean_task_arguments
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.schedules import state_of
from tasks.spider_settings import PRESET, InvalidSetting, clean_settings

# What people set on a task; schedules, arguments, settings and tags have their own rules.
PLAIN = (
    "name", "description", "kind", "spider", "owner", "timeout", "no_progress_timeout",
    "memory_limit_mb", "max_retries", "retry_delay", "overlap_policy", "max_instances", "catch_up",
    "catch_up_window", "executor", "priority", "allow_empty", "min_items", "usual_share",
    "max_errors", "http_cache", "http_cache_ttl", "keep_days", "keep_runs", "keep_megabytes",
    "user_id", "fingerprint", "alert_to", "alert_on",
)  # fmt: skip
WRITABLE = {*PLAIN, "arguments", "settings", "tags", "enabled"}

Schedules = Sequence[Mapping[str, Any]]
Errors = dict[str, list[str]]


def state_of_task(task: Task) -> dict[str, Any]:
    """The task and its schedules as JSON values, secrets masked: for the audit."""
    schedules = task.schedules.select_related("after_task")
    return state_with(task, tags=task.tags.all(), schedules=schedules)


def state_with(task: Task, *, tags: Iterable[Tag], schedules: Iterable[Schedule]) -> dict[str, Any]:
    state = {name: getattr(task, name) for name in PLAIN if name != "owner"}
    state["owner"] = task.owner.get_username() if task.owner else None
    state["enabled"] = task.enabled
    state["arguments"] = {**task.arguments, **dict.fromkeys(task.secrets, MASK)}
    state["settings"] = task.settings
    state["tags"] = sorted(tag.name for tag in tags)
    state["schedules"] = [state_of(each) for each in sorted(schedules, key=lambda one: one.key)]
    return state


def secret_changes(before: Task, after: Task) -> dict[str, list[Any]]:
    """For the audit, beside a state that shows no more than their masks."""
    names = sorted(set(secrets.changed(before.secrets, after.secrets)) & set(before.secrets))
    return {"secrets": [[], names]} if names else {}


def refuse_unknown(fields: Iterable[str]) -> None:
    if unknown := sorted(set(fields) - WRITABLE):
        raise InvalidInput({name: [_("There is no field of this name.")] for name in unknown})


def prepare(
    task: Task,
    fields: Mapping[str, Any],
    *,
    actor: Actor,
    before: Task | None = None,
    schemas: Schemas | None = None,
) -> None:
    """Sets the fields on the task, which is not saved; `before` is how it is stored.

    Raises InvalidInput by field.
    """
    for name in PLAIN:
        if name in fields:
            setattr(task, name, fields[name])
    every_problem_of(
        partial(_set_settings, task, fields),
        partial(_set_arguments, task, fields, before, actor, schemas or Schemas()),
        partial(_set_alerts, task, fields),
        partial(_clean, task),
    )


def every_problem_of(*steps: Callable[[], object]) -> None:
    """Nobody wants to mend one mistake only to be told of the next: all steps are gone through
    before InvalidInput is raised. What is no wrong input, such as Forbidden, ends them at once."""
    errors: dict[str, list[str]] = {}
    for step in steps:
        try:
            step()
        except InvalidInput as error:
            if type(error) is not InvalidInput:
                raise
            errors.update(error.errors)
    if errors:
        raise InvalidInput(errors)


def problems_of(task: Task | None, fields: Mapping[str, Any], *, actor: Actor) -> Errors:
    """What would be wrong with these fields, though more of them are still to come."""
    try:
        # A new one has its id and its name only when it is made.
        draft = copy(task) if task else Task(task_id="new", name="new")
        prepare(draft, fields, actor=actor, before=task)
    except Forbidden:
        raise
    except InvalidInput as error:
        return {name: [*texts] for name, texts in error.errors.items()}
    return {}


def _set_settings(task: Task, fields: Mapping[str, Any]) -> None:
    if "settings" not in fields:
        return
    if not isinstance(fields["settings"], Mapping):
        raise InvalidInput({"settings": [_("Settings are pairs of a name and a value.")]})
    try:
        cleaned = clean_settings(fields["settings"])
    except InvalidSetting as error:
        raise InvalidInput({f"settings.{error.field}": [str(error)]}) from None
    preset = cleaned.get(PRESET)
    if preset and preset != task.settings.get(PRESET):
        _demand_preset(str(preset))
    task.settings = cleaned


def _demand_preset(name: str) -> None:
    """Before the project was ever listed nobody knows which there are; a run then says so."""
    known = list(Preset.objects.values_list("name", flat=True))
    if name in known or not SpiderInfo.objects.exists():
        return
    message = _("There is no preset “%(name)s”. There are: %(known)s.")
    words = {"name": name, "known": ", ".join(known) or _("none")}
    raise InvalidInput({f"settings.{PRESET}": [message % words]})


def _set_arguments(
    task: Task, fields: Mapping[str, Any], before: Task | None, actor: Actor, schemas: Schemas
) -> None:
    if before is not None and not {"arguments", "spider", "kind"} & set(fields):
        return
    raw = fields.get("arguments", task.arguments)
    if not isinstance(raw, Mapping):
        raise InvalidInput({"arguments": [_("Arguments are pairs of a name and a value.")]})
    if task.kind not in HANDLERS:
        return  # named by the model's own check
    handler = handler_of(task.kind)
    task.spider = handler.spider_of(task.spider)
    if handler.is_crawl and not task.spider:
        raise InvalidInput({"spider": [_("This is needed.")]})
    cleaned = clean_task_arguments(
        kind=task.kind,
        spider=task.spider,
        raw=raw,
        stored_secrets=task.secrets,
        stored=before.arguments if before and before.spider == task.spider else {},
        schemas=schemas,
    )
    task.arguments, task.secrets = cleaned.plain, cleaned.sealed
    if before is None or (before.kind, before.arguments) != (task.kind, task.arguments):
        demand_code(task.kind, actor)


def _set_alerts(task: Task, fields: Mapping[str, Any]) -> None:
    if not {"alert_to", "alert_on"} & set(fields):
        return
    recipients, problems = clean_recipients(task.alert_to)
    kinds, more = clean_kinds(task.alert_on, recipients=recipients)
    task.alert_to, task.alert_on = recipients, kinds
    errors = {"alert_to": problems, "alert_on": more}
    if problems or more:
        raise InvalidInput({name: texts for name, texts in errors.items() if texts})


def demand_code(kind: str, actor: Actor) -> None:
    """Who says what a pipeline does says what code runs: that is for administrators."""
    if not handler_of(kind).names_code:
        return
    try:
        actor.demand("use_pipelines")
    except Forbidden:
        message = _("Only an administrator says which classes a pipeline runs.")
        raise Forbidden({"kind": [message]}) from None


def _clean(task: Task) -> None:
    if not str(task.name).strip():
        raise InvalidInput({"name": [_("This is needed.")]})
    if any(character in str(task.name) for character in "\x00\r\n"):
        raise InvalidInput({"name": [_("The name must be one line of text.")]})
    if task.executor and task.executor not in EXECUTORS:
        raise InvalidInput({"executor": [_("Choose one of: %s.") % ", ".join(EXECUTORS)]})
    try:
        # The owner is a person who was looked up, and costs a statement to look up again.
        task.full_clean(
            exclude=["arguments", "settings", "owner"],
            validate_unique=False,
            validate_constraints=False,
        )
    except ValidationError as error:
        raise InvalidInput(error.message_dict) from None


@contextmanager
def saving(task: Task) -> Iterator[None]:
    """The database checks its own rules as it writes; only when it refuses are they asked for."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        refuse_broken_rules(task)
        raise


def refuse_broken_rules(task: Task) -> None:
    """Names the broken ones of the database's rules, with a statement for each rule."""
    try:
        task.validate_constraints()
    except ValidationError as error:
        raise InvalidInput(error.message_dict) from None


def tag_names(names: Iterable[str | Tag]) -> list[str]:
    cleaned = sorted({str(name).strip() for name in names} - {""})
    if any(len(name) > 50 or "\x00" in name for name in cleaned):
        raise InvalidInput({"tags": [_("A tag has at most 50 characters.")]})
    return cleaned


def tags_named(names: Iterable[str | Tag]) -> list[Tag]:
    """Those that are missing are made."""
    wanted = tag_names(names)
    Tag.objects.bulk_create([Tag(name=name) for name in wanted], ignore_conflicts=True)
    return list(Tag.objects.filter(name__in=wanted))

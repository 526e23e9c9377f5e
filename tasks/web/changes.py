"""Who changed what on a task: field by field, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import Field, Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from tasks.describe import describe
from tasks.models import (
    Alert,
    ApiToken,
    AuditEntry,
    Blackout,
    DataLink,
    Hold,
    Schedule,
    SpiderInfo,
    Task,
)
from tasks.models.spider import spoken
from tasks.outcomes.durations import duration
from tasks.secrets import MASK
from tasks.services.schedules import MOMENTS, TIMING
from tasks.services.undo import last_change, undo_last_change
from tasks.spider_settings import SPIDER_SETTINGS
from tasks.timing import Timing
from tasks.web import names, when
from tasks.web.actions import action, actor_of
from tasks.web.numbers import whole_number
from tasks.web.zones import zone_of

MOST = 100
WHENS = (*MOMENTS, "anchor")
Schemas = Mapping[str, dict[str, Any]]
IN_SECONDS = frozenset({
    "timeout", "no_progress_timeout", "retry_delay", "catch_up_window", "http_cache_ttl",
    "jitter",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    who: str
    what: str
    at: str
    ago: str
    via: str
    lines: list[Line]
    can_undo: bool = False


# Whose fields an entry tells of, where it isn't the task's.
ABOUT: dict[str, type[Model]] = {
    "hold": Hold,
    "blackout": Blackout,
    "token": ApiToken,
    "data link": DataLink,
    "person": User,
}


def _action_words() -> dict[str, str]:
    return {
        "create": _("made this task"),
        "change": _("changed it"),
        "enable": _("switched it on"),
        "disable": _("switched it off"),
        "run": _("started it"),
        "stop": _("stopped a run"),
        "delete": _("deleted it"),
        "hold": _("put everything on hold"),
        "release": _("ended the hold"),
        "blackout": _("changed a blackout"),
        "cleanup": _("removed old runs"),
        "person": _("changed a person"),
        "backfill": _("had it run for the past"),
    }


def _made_words() -> dict[str, tuple[str, str]]:
    """Of what comes and goes."""
    return {
        "blackout": (_("made a blackout"), _("deleted a blackout")),
        "person": (_("added a person"), _("deleted a person")),
        "token": (_("made an API token"), _("revoked an API token")),
        "data link": (
            _("made an address of the latest items"),
            _("revoked an address of the latest items"),
        ),
    }


def _what(entry: AuditEntry) -> str:
    made, gone = _made_words().get(entry.action, ("", ""))
    name = entry.changes.get("username" if entry.action == "person" else "name")
    if made and name and not (name[0] and name[1]):
        return gone if name[0] else made
    return _action_words().get(entry.action, entry.action)


def _doors() -> dict[str, str]:
    return {
        "api": _("through the API"),
        "command": _("on the command line"),
        "file": _("with a task file"),
        "discord": _("on Discord"),
        "python": _("from Python"),
    }


def read(
    entry: AuditEntry, now: datetime, zone: tzinfo, schemas: Schemas, *, can_undo: bool = False
) -> Change:
    return Change(
        who=names.of_entry(entry),
        what=_what(entry),
        at=when.absolute(entry.at, now, zone),
        ago=when.relative(entry.at, now),
        via=_doors().get(entry.via, ""),
        lines=list(_lines(entry, schemas)) if entry.action not in {"run", "stop"} else [],
        can_undo=can_undo,
    )


def _schemas() -> Schemas:
    return dict(SpiderInfo.objects.values_list("name", "schema"))


def _lines(entry: AuditEntry, schemas: Schemas) -> Iterator[Line]:
    about = ABOUT.get(entry.action, Task)
    for name, (before, after) in entry.changes.items():
        if isinstance(before or after, dict):
            yield from _inside(name, before or {}, after or {}, _titles(name, entry, schemas))
        elif name == "secrets":
            for secret in after:
                yield Line(_("Secret “%s”") % secret, MASK, _("another value"))
        elif name == "schedules":
            yield from _schedules(before or [], after or [])
        elif name == "alert_on":
            yield Line(_label(about, name), _kinds(before), _kinds(after))
        elif _words(before) != _words(after):
            yield _line(about, name, before, after)


def _line(model: type[Model], name: str, before: Any, after: Any) -> Line:
    return Line(_label(model, name), _value(model, name, before), _value(model, name, after))


def _kinds(values: list[str] | None) -> str:
    return _words([str(Alert.Kind(each).label) for each in values or []])


def _titles(name: str, entry: AuditEntry, schemas: Schemas) -> dict[str, str]:
    """How the form of the task names what is inside of a field."""
    if name == "settings":
        return {key: str(spec.label) for key, spec in SPIDER_SETTINGS.items()}
    spider = (entry.changes.get("spider") or [""])[-1] or (entry.task.spider if entry.task else "")
    declared = schemas.get(spider, {}).get("properties", {}).items()
    return {
        key: spoken(str(each["title"]))
        for key, each in declared
        if isinstance(each, dict) and each.get("title")
    }


def _inside(
    name: str, before: dict[str, Any], after: dict[str, Any], titles: Mapping[str, str]
) -> Iterator[Line]:
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            label = f"{_label(Task, name)}: {titles.get(key, key)}"
            yield Line(label, _words(before.get(key)), _words(after.get(key)))


def _schedules(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Line]:
    old, new = ({each["key"]: each for each in side} for side in (before, after))
    for key in dict.fromkeys([*old, *new]):
        here, there = old.get(key), new.get(key)
        if here is None or there is None:
            yield Line(_("Time “%s”") % key, _brief(here), _brief(there))
            continue
        for name in dict.fromkeys([*here, *there]):
            if here.get(name) != there.get(name):
                line = _line(Schedule, name, here.get(name), there.get(name))
                yield replace(line, label=f"{_('Time “%s”') % key}, {line.label}")


def lines_of_file(fields: Mapping[str, Sequence[Any]]) -> list[Line]:
    """What an import would change, whose fields have their paths as names."""
    plain: dict[str, Any] = {}
    old: dict[str, dict[str, Any]] = {}
    new: dict[str, dict[str, Any]] = {}
    for path, (before, after) in fields.items():
        head, _dot, rest = path.partition(".")
        if head != "schedules":
            plain[path] = (before, after)
            continue
        key, _dot, name = rest.partition(".")
        comes_or_goes = f"schedules.{key}.key" in fields
        for side, value in ((old, before), (new, after)):
            if value is not None or not comes_or_goes:
                side.setdefault(key, {"key": key})[name] = value
    times = _schedules([*old.values()], [*new.values()])
    return [*(_line_of_path(*each) for each in plain.items()), *times]


def _line_of_path(path: str, pair: Sequence[Any]) -> Line:
    head, _dot, rest = path.partition(".")
    if rest:
        return Line(f"{_label(Task, head)}: {rest}", _words(pair[0]), _words(pair[1]))
    return _line(Task, head, *pair)


def _brief(schedule: Mapping[str, Any] | None) -> str:
    """The sentence of a time that comes or goes, as the form of the task has it."""
    if schedule is None:
        return _words(None)
    given = {name: value for name, value in schedule.items() if value is not None}
    moments = {name: parse_datetime(str(given[name])) for name in WHENS if name in given}
    timing = Timing(**{n: v for n, v in {**given, **moments}.items() if n in TIMING})
    follows = {n: given[n] for n in ("after_on", "delay") if n in given}
    parts = [describe(timing, after=str(given.get("after_task", "")), **follows)]
    if timing.kind in {Schedule.Kind.CRON, Schedule.Kind.ONCE}:
        parts.append(when.zone_label(when.zone_of(timing.timezone)))
    if given.get("enabled") is False:
        parts.append(_("Off"))
    return ", ".join(parts)


def _label(model: type[Model], name: str) -> str:
    if name == "role":
        return _("Role")
    field = _field(model, name)
    if field is None:
        return name.replace("_", " ").capitalize()
    return capfirst(str(getattr(field, "verbose_name", name)))


def _field(model: type[Model], name: str) -> Field[Any, Any] | None:
    try:
        return cast("Field[Any, Any]", model._meta.get_field(name))
    except FieldDoesNotExist:
        return None


def _value(model: type[Model], name: str, value: Any) -> str:
    """In the words and units of the form, not as it is stored."""
    if name in IN_SECONDS and isinstance(value, int):
        return duration(value)
    choices = getattr(_field(model, name), "choices", None)
    word = dict(choices or ()).get(value) if isinstance(value, str) else None
    return str(word) if word else _words(value)


def _words(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def since(task: Task, version: str | None) -> list[str]:
    """Who changed the task after somebody loaded that version of it."""
    seen = whole_number(version)
    steps = task.version - seen if seen is not None else 0
    entries = AuditEntry.objects.select_related("actor")
    newest = entries.filter(task=task, action__in=["change", "enable", "disable"])
    now = timezone.now()
    return [
        f"{names.of_entry(entry)}, {when.relative(entry.at, now)}"
        for entry in newest[: min(max(steps, 1), 5)]
    ]


def page(request: HttpRequest, context: dict[str, Any], task: Task) -> HttpResponse:
    if not request.user.has_perm("tasks.view_auditentry"):
        raise PermissionDenied
    now, zone = timezone.now(), zone_of(request.user)
    newest = last_change(task_id=task.task_id)
    may_undo = request.user.has_perm("tasks.change_task")
    entries = AuditEntry.objects.select_related("actor", "task").filter(task=task)[:MOST]
    schemas = _schemas()
    return TemplateResponse(
        request,
        "tasks/changes.html",
        {
            **context,
            "title": _("Changes"),
            "task": task,
            "changes": [
                (each, read(each, now, zone, schemas, can_undo=may_undo and each == newest))
                for each in entries
            ],
        },
    )


def all_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The newest changes of everything, by everybody."""
    now, zone = timezone.now(), zone_of(request.user)
    entries = AuditEntry.objects.select_related("actor", "task")[:MOST]
    schemas = _schemas()
    return TemplateResponse(
        request,
        "tasks/changes.html",
        {
            **context,
            "title": _("Changes"),
            "changes": [(each, read(each, now, zone, schemas)) for each in entries],
        },
    )


@action
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    task = Task.objects.filter(pk=pk).first()
    if task is None:
        raise Http404
    seen = whole_number(request.POST.get("entry"))
    undo_last_change(task_id=task.task_id, actor=actor_of(request), seen=seen)
    messages.success(request, _("The last change is undone."))
    return redirect(reverse("admin:tasks_task_history", args=[pk]))

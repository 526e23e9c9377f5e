"""Arguments that several verbs share."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from tasks.management.verbs import completion
from tasks.management.verbs.base import Refused
from tasks.models import Task
from tasks.services.errors import InvalidInput
from tasks.zones import load_zone, moment_on


def task_id(parser: ArgumentParser, **options: Any) -> None:
    action = parser.add_argument("task_id", metavar="ID", **options)
    completion.completed(action, completion.task_ids)


def run_id(parser: ArgumentParser) -> None:
    action = parser.add_argument("run_id", metavar="RUN")
    completion.completed(action, completion.run_ids)


def spider(parser: ArgumentParser) -> None:
    action = parser.add_argument("spider", metavar="SPIDER", help="“-” for a kind without one")
    completion.completed(action, completion.spiders)


def task_fields(parser: ArgumentParser) -> None:
    parser.add_argument("--name")
    parser.add_argument("--description")
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        type=pair,
        metavar="K=V",
        help="an argument of the spider; K:=JSON for lists and numbers",
    )
    parser.add_argument("--setting", action="append", default=[], type=pair, metavar="K=V")
    parser.add_argument("--timezone", metavar="TZ")
    parser.add_argument("--kind", choices=Task.Kind.values, default=Task.Kind.SPIDER.value)
    parser.add_argument("--disabled", action="store_true", help="add it switched off")


def given_fields(options: Namespace) -> dict[str, Any]:
    fields = {
        "task_id": options.task_id,
        "spider": "" if options.spider == "-" else options.spider,
        "name": options.name,
        "description": options.description,
        "timezone": options.timezone,
        "kind": options.kind,
        "enabled": not options.disabled,
        "arguments": pairs("--arg", options.arg),
        "settings": pairs("--setting", options.setting),
    }
    return {name: value for name, value in fields.items() if value is not None}


def pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip(":"):
        raise ArgumentTypeError(_("“%s” must be a name and a value: NAME=VALUE") % text[:100])
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except (ValueError, RecursionError):
        raise ArgumentTypeError(_("the value of “%s” is not JSON") % name[:100]) from None


def pairs(option: str, given: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(given)
    if len(values) < len(given):
        raise Refused(_("%s names the same thing twice. Name each one once.") % option)
    return values


def zone(name: str | None) -> ZoneInfo:
    name = name or settings.SCHEDULER_TIMEZONE
    try:
        return load_zone(name)
    except ValueError:
        message = _("%(name)s is not a time zone. Example: Europe/Stockholm.")
        raise InvalidInput({"timezone": [message % {"name": name[:64]}]}) from None


def instant(text: str, place: ZoneInfo, name: str) -> datetime:
    """On the wall clock of `place` where it has no offset."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise Refused(_("%s must be a day or a moment such as 2026-04-02 09:30.") % name)
    return found if found.tzinfo else moment_on(found, place)

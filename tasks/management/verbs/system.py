from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.management.verbs.base import DONE, REFUSED, Verb, whole_number
from tasks.management.verbs.catalogue import freshen
from tasks.management.verbs.shapes import spider_shape
from tasks.management.verbs.terminal import Terminal
from tasks.models import SpiderInfo
from tasks.services import get_scheduler_status
from tasks.services.errors import InvalidInput
from tasks.services.health import get_health
from tasks.services.preview import MAX_TIMES
from tasks.services.preview import preview as preview_schedule
from tasks.zones import load_zone


def status(terminal: Terminal, options: Namespace) -> int:
    del options
    state = get_scheduler_status()
    if terminal.as_json:
        terminal.json(state)
    else:
        terminal.fields(_status_fields(state))
    return DONE


def _status_fields(state: dict[str, Any]) -> list[tuple[str, object]]:
    tasks = f"{state['total_tasks']} ({state['enabled_tasks']} on, {state['disabled_tasks']} off)"
    schedulers = [each["name"] + (" *" if each["leader"] else "") for each in state["schedulers"]]
    return [
        (_("scheduler"), _("running") if state["running"] else _("not running")),
        (_("schedulers"), ", ".join(schedulers)),
        (_("tasks"), tasks),
        (_("pending jobs"), state["pending_jobs"]),
        (_("waiting runs"), state["queued_runs"]),
        (_("running runs"), state["running_runs"]),
        (_("time zone"), state["timezone"]),
        (_("job store"), state["job_store"]),
        (_("executor"), state["executor"]),
        (_("executed"), state["executed"]),
        (_("failed"), state["failed"]),
        (_("missed"), state["missed"]),
        (_("skipped"), state["skipped"]),
        (_("alerts"), ", ".join(f"{number} {name}" for name, number in state["alerts"].items())),
        *_launchers(state["schedulers"]),
    ]


def _launchers(schedulers: list[dict[str, Any]]) -> list[tuple[str, object]]:
    """How each host starts its runs, and what it has to say about that."""
    modes = {"fork": _("at once"), "fresh": _("in fresh processes")}
    shown = [(each, modes.get(each["launcher"], each["launcher"])) for each in schedulers]
    return [
        *((_("runs start"), f"{mode} ({each['name']})") for each, mode in shown if mode),
        *((_("note"), note) for each in schedulers for note in each["notes"]),
    ]


def spiders(terminal: Terminal, options: Namespace) -> int:
    del options
    freshen(terminal)
    found = list(SpiderInfo.objects.all())
    if terminal.as_json:
        terminal.json([spider_shape(each) for each in found])
    elif found:
        columns = (_("spider"), _("title"), _("arguments"), _("state"))
        terminal.table(columns, (_spider_row(each) for each in found))
    else:
        terminal.line(_("No spiders."))
    return DONE


def _spider_row(spider: SpiderInfo) -> tuple[object, ...]:
    required = set(spider.schema.get("required", []))
    names = spider.schema.get("properties", {})
    arguments = ", ".join(f"{name}*" if name in required else name for name in names)
    problem = spider.error.strip().splitlines()[-1:] or [spider.remedy]
    return (spider.name, spider.title, arguments, problem[0] or "ok")


def preview(terminal: Terminal, options: Namespace) -> int:
    zone = options.timezone or settings.SCHEDULER_TIMEZONE
    found = preview_schedule(
        schedule={"kind": "cron", "cron": options.expression, "timezone": zone},
        after=_moment(options.after, zone),
        number=options.count,
    )
    if terminal.as_json:
        terminal.json({"description": found["description"], "next": found["next"]})
        return DONE
    notes = {each["at"]: each["note"] for each in found["notes"]}
    terminal.line(found["description"])
    for time in found["next"]:
        local = datetime.fromisoformat(time).astimezone(load_zone(zone))
        terminal.line(f"{local:%a %Y-%m-%d %H:%M %Z}  {notes.get(time, '')}".rstrip())
    return DONE


def _moment(text: str | None, zone: str) -> datetime | None:
    """On the wall clock of `zone` where it has no offset."""
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=load_zone(zone))
    except ValueError:
        moment = None
    if moment is None:
        raise InvalidInput({"after": [_("Write a date and time such as 2026-04-02 09:30.")]})
    return moment


def _preview_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("expression", metavar="EXPR", help="a cron pattern")
    parser.add_argument("--timezone", metavar="TZ")
    parser.add_argument("--after", metavar="ISO", help="the moment to start from (now)")
    parser.add_argument(
        "-n",
        dest="count",
        type=whole_number(1, MAX_TIMES),
        default=5,
        metavar="N",
        help="how many (5)",
    )


def health(terminal: Terminal, options: Namespace) -> int:
    del options
    report = get_health()
    if terminal.as_json:
        terminal.json(report)
    else:
        terminal.line(_("Healthy") if report["healthy"] else _("Not healthy"))
        terminal.fields((name, _check(check)) for name, check in report["checks"].items())
    return DONE if report["healthy"] else REFUSED


def _check(check: dict[str, Any]) -> str:
    figures = [f"{name} {value}" for name, value in check.items() if name != "ok"]
    return ", ".join([_("good") if check["ok"] else _("not good"), *figures])


VERBS = (
    Verb(
        name="status",
        help=gettext_lazy("Show the scheduler, its tasks and its figures."),
        run=status,
    ),
    Verb(
        name="spiders",
        help=gettext_lazy("List the spiders and their arguments (* must be given)."),
        run=spiders,
    ),
    Verb(
        name="preview",
        help=gettext_lazy("Say a cron pattern in words, and when it runs next."),
        run=preview,
        arguments=_preview_arguments,
    ),
    Verb(
        name="health",
        help=gettext_lazy("Check database, scheduler, queue and disk; exit 1 unless healthy."),
        run=health,
    ),
)

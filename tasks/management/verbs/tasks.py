from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.management.verbs import parsing
from tasks.management.verbs.base import DONE, REFUSED, Verb
from tasks.management.verbs.terminal import Terminal, moment
from tasks.models import Task
from tasks.services import (
    disable_task,
    enable_task,
    get_job_stats,
    get_task_info,
    list_tasks,
    remove_task,
)
from tasks.services.actors import command_line
from tasks.services.tasks import get_task
from tasks.services.trying_alerts import send_test_alert
from tasks.services.writing import state_of_task


def list_all(terminal: Terminal, options: Namespace) -> int:
    enabled = None if options.enabled == options.disabled else options.enabled
    found = list_tasks(enabled=enabled, tag=options.tag, search=options.search)
    if terminal.as_json:
        terminal.json(found)
        return DONE
    if not found:
        terminal.line(_("No tasks."))
        return DONE
    columns = (_("id"), _("name"), _("spider"), _("when"), _("on"), _("next run"), _("last run"))
    terminal.table(columns, (_row(each) for each in found))
    return DONE


def _row(info: dict[str, Any]) -> tuple[object, ...]:
    return (
        info["task_id"],
        info["name"],
        info["spider"] or info["kind"],
        info["schedule"],
        "on" if info["enabled"] else "off",
        moment(info["next_run_time"]),
        info["last_status"],
    )


def _list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--enabled", action="store_true", help="only those that are on")
    parser.add_argument("--disabled", action="store_true", help="only those that are off")
    parser.add_argument("--tag")
    parser.add_argument("--search", metavar="WORDS")


def show(terminal: Terminal, options: Namespace) -> int:
    task = get_task(options.task_id)
    info = get_task_info(task_id=task.task_id)
    state, stats = state_of_task(task), get_job_stats(task_id=task.task_id)
    if terminal.as_json:
        terminal.json({**state, **info, "schedules": state["schedules"], "stats": stats})
        return DONE
    terminal.fields([*_fields(task, info, state), *_counters(stats)])
    return DONE


def _counters(stats: dict[str, Any]) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = [
        (_("executed"), stats["jobs_executed"]),
        (_("failed"), stats["jobs_failed"]),
        (_("missed"), stats["jobs_missed"]),
        (_("skipped"), stats["jobs_skipped"]),
    ]
    if last := stats["last_error"]:
        at = moment(parse_datetime(last["timestamp"]))
        lines.append((_("last error"), f"{at} {last['exception']} {last['run_id']}"))
    return lines


def _off(task: Task) -> str:
    """With who, when and why, as far as it is known."""
    since = moment(task.disabled_at) if task.disabled_at else ""
    return ", ".join(filter(None, ["off", since, task.disabled_by, task.disabled_note]))


def _fields(task: Task, info: dict[str, Any], state: dict[str, Any]) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = [
        (_("id"), info["task_id"]),
        (_("name"), info["name"]),
        (_("description"), info["description"]),
        (_("kind"), info["kind"]),
        (_("spider"), info["spider"]),
        (_("state"), "on" if info["enabled"] else _off(task)),
        (_("when"), info["schedule"]),
        (_("next run"), moment(info["next_run_time"])),
        (_("last run"), f"{moment(info['last_run'])} {info['last_status'] or ''}"),
        (_("tags"), ", ".join(info["tags"])),
        (_("owner"), state["owner"]),
        (_("alerts"), _alerts(task)),
    ]
    for name, value in [*state["arguments"].items(), *state["settings"].items()]:
        lines.append((f"  {name}", _plain(value)))
    return [(name, value) for name, value in lines if value not in ("", " ", None)]


def _alerts(task: Task) -> str:
    """Of what, and to whom."""
    return f"{', '.join(task.alert_on)}: {', '.join(task.alert_to)}" if task.alert_to else ""


def test_alert(terminal: Terminal, options: Namespace) -> int:
    tried = send_test_alert(task_id=options.task_id, actor=command_line())
    if terminal.as_json:
        terminal.json([vars(each) for each in tried])
    else:
        for each in tried:
            terminal.line(f"{each.recipient}: {each.problem or _('sent')}")
    return REFUSED if any(each.problem for each in tried) else DONE


def _plain(value: object) -> object:
    """As it may be typed with --arg."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def enable(terminal: Terminal, options: Namespace) -> int:
    task = enable_task(task_id=options.task_id, actor=command_line())
    terminal.show(get_task_info(task_id=task.task_id), _("“%s” is on.") % task.name)
    return DONE


def disable(terminal: Terminal, options: Namespace) -> int:
    task = disable_task(task_id=options.task_id, note=options.note, actor=command_line())
    terminal.show(get_task_info(task_id=task.task_id), _("“%s” is off.") % task.name)
    return DONE


def _disable_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parser.add_argument("--note", default="", help="why, for colleagues")


def remove(terminal: Terminal, options: Namespace) -> int:
    name = get_task(options.task_id).name
    remove_task(
        task_id=options.task_id, keep_history=not options.with_history, actor=command_line()
    )
    answer = {"task_id": options.task_id, "removed": True, "history_kept": not options.with_history}
    terminal.show(answer, _("Removed “%s”.") % name)
    return DONE


def _remove_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parser.add_argument("--with-history", action="store_true", help="delete its runs too")


VERBS = (
    Verb(
        name="list",
        help=gettext_lazy("List the tasks."),
        run=list_all,
        arguments=_list_arguments,
    ),
    Verb(
        name="show",
        help=gettext_lazy("Show one task."),
        run=show,
        arguments=parsing.task_id,
    ),
    Verb(
        name="enable",
        help=gettext_lazy("Switch a task on."),
        run=enable,
        arguments=parsing.task_id,
    ),
    Verb(
        name="disable",
        help=gettext_lazy("Switch a task off: nothing fires until it is on again."),
        run=disable,
        arguments=_disable_arguments,
    ),
    Verb(
        name="test-alert",
        help=gettext_lazy("Send an alert for a try to everybody whom the task tells."),
        run=test_alert,
        arguments=parsing.task_id,
    ),
    Verb(
        name="remove",
        help=gettext_lazy("Delete a task and its schedules; its history stays."),
        run=remove,
        arguments=_remove_arguments,
    ),
)

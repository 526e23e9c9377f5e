"""When nothing starts, and how to start less at once: holds, blackouts, spreading."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from datetime import time
from typing import Any

from django.utils.dateparse import parse_time
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tasks.management.verbs import completion, parsing
from tasks.management.verbs.base import DONE, Refused, Verb, whole_number
from tasks.management.verbs.terminal import Terminal, moment
from tasks.models import Blackout
from tasks.services.actors import command_line
from tasks.services.controls import (
    WEEKDAYS,
    hold_everything,
    release_hold,
    remove_blackout,
    save_blackout,
)
from tasks.services.load import hours_of_the_week
from tasks.services.spreading import plan_spread, spread_schedules
from tasks.services.standing import blackout_info, hold_info, spread_info
from tasks.services.tasks import get_task
from tasks.services.watch import never_running_info
from tasks.timing import MAX_JITTER


def hold(terminal: Terminal, options: Namespace) -> int:
    zone = parsing.zone(options.timezone)
    until = parsing.instant(options.until, zone, "--until") if options.until else None
    made = hold_everything(note=options.note, ends_at=until, actor=command_line())
    terminal.show(hold_info(made), _("Everything is on hold. Runs that were going go on."))
    return DONE


def _hold_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("note", metavar="WHY", help="everybody sees it on the home page")
    parser.add_argument("--until", metavar="WHEN", help="by default until `release`")
    parser.add_argument("--timezone", metavar="TZ", help="of WHEN")


def release(terminal: Terminal, options: Namespace) -> int:
    del options
    release_hold(actor=command_line())
    words = _("The hold is over. Tasks start again at their planned times.")
    terminal.show({"released": True}, words)
    return DONE


def blackouts(terminal: Terminal, options: Namespace) -> int:
    del options
    found = [blackout_info(each) for each in Blackout.objects.select_related("task")]
    if terminal.as_json:
        terminal.json(found)
    elif found:
        columns = (_("number"), _("name"), _("for"), _("when"), _("on"))
        terminal.table(columns, map(_blackout_row, found))
    else:
        terminal.line(_("No blackouts. Planned runs start at any time."))
    return DONE


def _blackout_row(info: dict[str, Any]) -> tuple[object, ...]:
    if info["starts_at"]:
        span = f"{moment(info['starts_at'])} – {moment(info['ends_at'])}"
    else:
        days = ", ".join(info["weekdays"])
        span = f"{days} {info['start_time']} – {info['end_time']} {info['timezone']}"
    on = "on" if info["enabled"] else "off"
    return (info["id"], info["name"], info["task_id"] or _("every task"), span, on)


def add_blackout(terminal: Terminal, options: Namespace) -> int:
    zone = parsing.zone(options.timezone)
    fields: dict[str, Any] = {"name": options.name, "timezone": zone.key}
    fields["task"] = get_task(options.task) if options.task else None
    for name, option in (("starts_at", "from"), ("ends_at", "to")):
        if text := getattr(options, option):
            fields[name] = parsing.instant(text, zone, f"--{option}")
    if options.days:
        fields["weekdays"] = [day.strip().lower() for day in options.days.split(",")]
    for name in ("start_time", "end_time"):
        if text := getattr(options, name):
            fields[name] = _clock(text)
    saved = save_blackout(actor=command_line(), **fields)
    terminal.show(blackout_info(saved), _("“%s” is saved.") % saved.name)
    return DONE


def _clock(text: str) -> time:
    try:
        found = parse_time(text)
    except ValueError:
        found = None
    if found is None:
        raise Refused(_("Write a time of day such as 22:30, not “%s”.") % text[:20])
    return found


def _add_blackout_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--from", metavar="WHEN", help="once: from this moment")
    parser.add_argument("--to", metavar="WHEN", help="once: until this moment")
    parser.add_argument("--days", metavar="MON,TUE", help=f"each week: of {','.join(WEEKDAYS)}")
    parser.add_argument("--start", dest="start_time", metavar="HH:MM", help="each week: from")
    parser.add_argument("--end", dest="end_time", metavar="HH:MM", help="each week: until")
    task = parser.add_argument("--task", metavar="ID", help="only for this task")
    completion.completed(task, completion.task_ids)
    parser.add_argument("--timezone", metavar="TZ")


def drop_blackout(terminal: Terminal, options: Namespace) -> int:
    remove_blackout(blackout_id=options.number, actor=command_line())
    terminal.show({"id": options.number, "removed": True}, _("The blackout is deleted."))
    return DONE


def _number(parser: ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", type=whole_number(1, 2**31 - 1))


def spread(terminal: Terminal, options: Namespace) -> int:
    wanted = {"task_ids": options.task_ids, "seconds": options.over * 60}
    if options.dry_run:
        found = plan_spread(**wanted)
    else:
        found = spread_schedules(**wanted, actor=command_line())
    if terminal.as_json:
        terminal.json([spread_info(each) for each in found])
        return DONE
    columns = (_("id"), _("schedule"), _("before"), _("after"))
    rows: Iterable[tuple[object, ...]] = (
        (each.task.task_id, each.schedule.key, moment(each.before), moment(each.after))
        for each in found
    )
    terminal.table(columns, rows)
    terminal.line(_moved(len(found), is_trial=options.dry_run))
    return DONE


def _moved(count: int, *, is_trial: bool) -> str:
    if is_trial:
        return ngettext("Would move %d start.", "Would move %d starts.", count) % count
    return ngettext("Moved %d start.", "Moved %d starts.", count) % count


def _spread_arguments(parser: ArgumentParser) -> None:
    tasks = parser.add_argument("task_ids", metavar="ID", nargs="+")
    completion.completed(tasks, completion.task_ids)
    parser.add_argument(
        "--over",
        type=whole_number(0, MAX_JITTER // 60),
        default=60,
        metavar="MINUTES",
        help="the span (60); 0 lets them start at their planned time again",
    )
    parser.add_argument("--dry-run", action="store_true", help="only show the new times")


def load(terminal: Terminal, options: Namespace) -> int:
    zone = parsing.zone(options.timezone)
    week = hours_of_the_week(zone=zone.key)
    if terminal.as_json:
        terminal.json({"timezone": zone.key, "week": week})
        return DONE
    columns = ("", *(f"{hour:02}" for hour in range(24)))
    terminal.table(columns, ((str(WEEKDAYS_ABBR[day]), *week[day]) for day in range(7)))
    return DONE


def never(terminal: Terminal, options: Namespace) -> int:
    del options
    found = never_running_info()
    if terminal.as_json:
        terminal.json(found)
    elif found:
        columns = (_("id"), _("schedule"), _("why"))
        rows = ((each["task_id"], each["schedule"], each["message"]) for each in found)
        terminal.table(columns, rows)
    else:
        terminal.line(_("Every task that is on will run."))
    return DONE


def _zone_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--timezone", metavar="TZ")


VERBS = (
    Verb(
        name="hold",
        help=gettext_lazy("Hold everything: no schedule starts a run until it ends."),
        run=hold,
        arguments=_hold_arguments,
    ),
    Verb(name="release", help=gettext_lazy("End the hold."), run=release),
    Verb(
        name="blackouts",
        help=gettext_lazy("List the times in which planned runs are skipped."),
        run=blackouts,
    ),
    Verb(
        name="add-blackout",
        help=gettext_lazy("Skip planned runs once (--from --to) or each week (--days --start)."),
        run=add_blackout,
        arguments=_add_blackout_arguments,
    ),
    Verb(
        name="remove-blackout",
        help=gettext_lazy("Delete a blackout; `blackouts` tells its number."),
        run=drop_blackout,
        arguments=_number,
    ),
    Verb(
        name="spread",
        help=gettext_lazy("Spread the starts of several tasks over a span, by default an hour."),
        run=spread,
        arguments=_spread_arguments,
    ),
    Verb(
        name="load",
        help=gettext_lazy("How many runs start in each hour of the week."),
        run=load,
        arguments=_zone_argument,
    ),
    Verb(
        name="never-runs",
        help=gettext_lazy("List what is on and yet will never run, each with the reason."),
        run=never,
    ),
)

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.exchange.fields import FIELDS, FieldError, expression_of
from tasks.management.verbs import parsing
from tasks.management.verbs.base import DONE, Refused, Verb, WrongUsage, whole_number
from tasks.management.verbs.catalogue import freshen
from tasks.management.verbs.terminal import Terminal, moment
from tasks.models import Task
from tasks.services import (
    add_interval_spider_task,
    add_one_time_task,
    add_spider_task,
    get_task_info,
    update_task_schedule,
)
from tasks.services.actors import command_line
from tasks.services.errors import asked_as

UNITS = ("weeks", "days", "hours", "minutes", "seconds")
EXPR = {"cron_expression": "cron"}
ANY_NUMBER = whole_number(0, 2_000_000_000)


def add_cron(terminal: Terminal, options: Namespace) -> int:
    freshen(terminal)
    fields = {"cron_expression": _expression(options), **parsing.given_fields(options)}
    with asked_as(EXPR):
        task = add_spider_task(actor=command_line(), **fields)
    return _added(terminal, task)


def _expression(options: Namespace) -> str:
    given = {name: value for name in FIELDS if (value := getattr(options, name)) is not None}
    if options.expression is not None and given:
        raise WrongUsage(_("Give a cron pattern or its fields, not both."))
    if options.expression is not None:
        return str(options.expression)
    if not given:
        raise WrongUsage(_("Give a cron pattern (EXPR), or fields of one such as --hour."))
    try:
        return expression_of(given)
    except FieldError as error:
        raise Refused(f"--{error.field.replace('_', '-')}: {error}") from error


def _cron_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parsing.spider(parser)
    parser.add_argument(
        "expression", metavar="EXPR", nargs="?", help="a cron pattern such as “30 6 * * 1-5”"
    )
    fields = parser.add_argument_group(
        "instead of EXPR",
        "Smaller fields that are left out are at their least, larger ones at any. "
        "Weekday numbers count from 0 = Monday; names are clearer.",
    )
    for name in FIELDS:
        fields.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE")
    parsing.task_fields(parser)


def add_interval(terminal: Terminal, options: Namespace) -> int:
    units = {name: getattr(options, name) for name in UNITS}
    if not any(units.values()):
        wanted = ", ".join(f"--{name}" for name in UNITS)
        raise WrongUsage(_("Say how often, by one or more of: %s.") % wanted)
    freshen(terminal)
    return _added(
        terminal,
        add_interval_spider_task(
            actor=command_line(), **units, **parsing.given_fields(options)
        ),
    )  # fmt: skip


def _interval_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parsing.spider(parser)
    for name in UNITS:
        parser.add_argument(f"--{name}", type=ANY_NUMBER, default=0, metavar="N")
    parsing.task_fields(parser)


def add_once(terminal: Terminal, options: Namespace) -> int:
    freshen(terminal)
    fields = parsing.given_fields(options)
    return _added(terminal, add_one_time_task(run_at=options.when, actor=command_line(), **fields))


def _once_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parsing.spider(parser)
    parser.add_argument("when", metavar="WHEN", help="such as “2027-04-02 09:30”")
    parsing.task_fields(parser)


def set_schedule(terminal: Terminal, options: Namespace) -> int:
    timing = {"cron": options.expression}
    if options.timezone is not None:
        timing["timezone"] = options.timezone
    with asked_as(EXPR):
        task = update_task_schedule(
            task_id=options.task_id, key=options.key, actor=command_line(), **timing
        )
    info = get_task_info(task_id=task.task_id)
    terminal.show(info, f"{task.name}: {info['schedule']}")
    return DONE


def _set_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parser.add_argument("expression", metavar="EXPR", help="a cron pattern")
    parser.add_argument("--timezone", metavar="TZ")
    parser.add_argument("--key", help="which schedule, where the task has several")


def _added(terminal: Terminal, task: Task) -> int:
    info = get_task_info(task_id=task.task_id)
    sentence = _("Added “%(name)s”: %(when)s.") % {"name": task.name, "when": info["schedule"]}
    if info["next_run_time"]:
        sentence += " " + _("Next run %s.") % moment(info["next_run_time"])
    terminal.show(info, sentence)
    return DONE


VERBS = (
    Verb(
        name="add-cron",
        help=gettext_lazy("Add a task that runs by a cron pattern."),
        run=add_cron,
        arguments=_cron_arguments,
    ),
    Verb(
        name="add-interval",
        help=gettext_lazy("Add a task that runs again and again; the units add up."),
        run=add_interval,
        arguments=_interval_arguments,
    ),
    Verb(
        name="add-once",
        help=gettext_lazy("Add a task that runs at one moment."),
        run=add_once,
        arguments=_once_arguments,
    ),
    Verb(
        name="set-schedule",
        help=gettext_lazy("Give a task another cron pattern."),
        run=set_schedule,
        arguments=_set_arguments,
    ),
)

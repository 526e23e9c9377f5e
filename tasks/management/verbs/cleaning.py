"""What old runs take up, and what would go: looked at first, removed where asked for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tasks.execution.cleaning import clean_up_for, entry
from tasks.execution.retention import Rules, preview
from tasks.management.verbs import parsing
from tasks.management.verbs.base import DONE, Verb, whole_number
from tasks.management.verbs.terminal import Terminal, moment
from tasks.services.actors import command_line
from tasks.services.tasks import get_task

LONGEST = 36_500


def clean_up(terminal: Terminal, options: Namespace) -> int:
    if options.task_id is not None:
        get_task(options.task_id)
    rules = None if options.days is None else Rules(days=options.days)
    doomed = preview(task_id=options.task_id, rules=rules)
    size = sum(each.size for each in doomed)
    if options.remove:
        clean_up_for(command_line(), doomed, days=options.days)
    if terminal.as_json:
        runs = [entry(each) for each in doomed]
        terminal.json({"removed": options.remove, "bytes": size, "runs": runs})
        return DONE
    _show(terminal, [entry(each) for each in doomed])
    terminal.line(_sum(len(doomed), size, removed=options.remove))
    return DONE


def _sum(count: int, size: int, *, removed: bool) -> str:
    if removed:
        text = ngettext(
            "%(n)s run is removed: %(size)s.", "%(n)s runs are removed: %(size)s.", count
        )
    else:
        text = ngettext("%(n)s run would go: %(size)s.", "%(n)s runs would go: %(size)s.", count)
    return text % {"n": count, "size": filesizeformat(size)}


def _show(terminal: Terminal, runs: list[dict[str, Any]]) -> None:
    whys = {"age": _("too old"), "number": _("too many"), "size": _("too large")}
    columns = (_("run"), _("task"), _("at"), _("outcome"), _("why"), _("space"))
    if runs:
        terminal.table(columns, (_row(each, whys[each["why"]]) for each in runs))


def _row(run: dict[str, Any], why: str) -> tuple[object, ...]:
    size = filesizeformat(run["bytes"])
    return (run["run"], run["task"], moment(run["at"]), run["status"], why, size)


def _arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser, nargs="?", help="only of this task; by default of all")
    parser.add_argument(
        "--days",
        type=whole_number(0, LONGEST),
        metavar="N",
        help="runs older than this; by default what each task and the settings say",
    )
    parser.add_argument("--remove", action="store_true", help="remove them; this can't be undone")


VERBS = (
    Verb(
        name="clean-up",
        help=gettext_lazy("List the old runs that would be removed, and why; --remove does it."),
        run=clean_up,
        arguments=_arguments,
    ),
)

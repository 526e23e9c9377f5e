from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tasks.exchange.example import example_file
from tasks.exchange.reading import format_of
from tasks.exchange.schema import file_schema
from tasks.management.verbs.base import DONE, Refused, Verb
from tasks.management.verbs.catalogue import freshen
from tasks.management.verbs.terminal import STYLES, Terminal, one_line
from tasks.models import Task
from tasks.services import export_tasks, import_tasks
from tasks.services.actors import command_line
from tasks.services.exchange import ImportRefused
from tasks.services.plans import ACTIONS, Change, Plan

MARKS = {"created": "+", "changed": "~", "unchanged": " ", "removed": "-"}
COLOURS = {"created": "green", "changed": "yellow", "removed": "red"}
STANDARD_INPUT = "-"


def export_file(terminal: Terminal, options: Namespace) -> int:
    chosen = options.format or format_of(options.file or "") or "json"
    path = None if options.file in {None, STANDARD_INPUT} else options.file
    text = export_tasks(
        task_ids=options.task or None, file_format=chosen, path=path, actor=command_line()
    )
    if path is None:
        terminal.stream.write(text)
        return DONE
    count = len(options.task) or Task.objects.count()
    words = ngettext("Wrote %(n)d task to %(file)s.", "Wrote %(n)d tasks to %(file)s.", count)
    terminal.show({"file": path, "tasks": count}, words % {"n": count, "file": path})
    return DONE


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help=".json, .yml; else it is printed")
    parser.add_argument("--format", choices=("json", "yaml"))
    parser.add_argument(
        "--task", action="append", default=[], metavar="ID", help="only this one; may be repeated"
    )


def import_file(terminal: Terminal, options: Namespace) -> int:
    freshen(terminal)
    source: dict[str, Any] = {"path": options.file}
    if options.file == STANDARD_INPUT:
        source = {"text": sys.stdin.buffer.read()}
    try:
        with terminal.progress(_("Importing"), total=1) as advance:
            plan = import_tasks(
                **source,
                dry_run=options.dry_run,
                replace=options.replace,
                actor=command_line(),
                progress=advance,
            )
    except ImportRefused as error:
        raise Refused(_refusal(options.file, error)) from error
    _show(terminal, plan)
    return DONE


def _refusal(name: str, error: ImportRefused) -> str:
    """As compilers write it: FILE:LINE: FIELD: what is wrong."""
    first = error.problems[0]
    place = f"{name}:{first.line}" if first.line else name
    parts = [place, first.field, first.message]
    sentence = ": ".join(one_line(part) for part in parts if part)
    more = len(error.problems) - 1
    return sentence + (" " + _("(and %d more)") % more if more else "")


def _show(terminal: Terminal, plan: Plan) -> None:
    for warning in plan.warnings:
        terminal.warn(warning)
    if terminal.as_json:
        terminal.json(plan.as_dict())
        return
    for change in plan.changes:
        if change.action != "unchanged":
            _show_change(terminal, change)
    counts = ", ".join(f"{len(plan.of(action))} {action}" for action in ACTIONS)
    said = _("Would be: %s.") if plan.dry_run else _("Done: %s.")
    terminal.line(said % counts)


def _show_change(terminal: Terminal, change: Change) -> None:
    when = f"  ({change.when})" if change.action == "created" and change.when else ""
    line = f"{MARKS[change.action]} {change.task_id}  {one_line(change.name)}{when}"
    terminal.line(line, COLOURS.get(change.action, STYLES["off"]))
    for field, (before, after) in change.fields.items():
        terminal.line(f"    {field}: {one_line(before)} → {one_line(after)}")
    for name in change.kept_secrets:
        terminal.line(f"    arguments.{name}: " + _("stays as it is stored"))


def _import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="JSON or YAML; “-” reads standard input")
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")
    parser.add_argument(
        "--replace", action="store_true", help="remove the tasks that the file does not name"
    )


def config(terminal: Terminal, options: Namespace) -> int:
    path = Path(options.file)
    if path.exists() and not options.force:
        raise Refused(_("%s is there already. Choose another name, or --force.") % path)
    text = TEXTS[options.action](path.name)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        values = {"name": str(path), "reason": error.strerror or str(error)}
        raise Refused(_("%(name)s can't be written: %(reason)s.") % values) from error
    answer = {"file": str(path)}
    terminal.show(
        answer, _("Wrote an example to %s. Edit it, then: tasks import %s") % (path, path)
    )
    return DONE


def _example(name: str) -> str:
    return example_file(file_format=format_of(name) or "yaml")


def _schema(_name: str) -> str:
    return json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n"


TEXTS = {"create": _example, "schema": _schema}


def _config_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=TEXTS, help="an example, or its JSON Schema")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")


VERBS = (
    Verb(
        name="export",
        help=gettext_lazy("Write tasks as a file; secrets are left out."),
        run=export_file,
        arguments=_export_arguments,
    ),
    Verb(
        name="import",
        help=gettext_lazy("Make the tasks what a file says: all of it or nothing."),
        run=import_file,
        arguments=_import_arguments,
    ),
    Verb(
        name="config",
        help=gettext_lazy("Write an example task file, or the JSON Schema of task files."),
        run=config,
        arguments=_config_arguments,
    ),
)

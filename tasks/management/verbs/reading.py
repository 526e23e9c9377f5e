from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.execution.folder import run_folder
from tasks.execution.items import CONTENT_TYPES, Format, export_items
from tasks.execution.logs import LogLine, read_log
from tasks.management.verbs import parsing
from tasks.management.verbs.base import DONE, Refused, Verb
from tasks.management.verbs.terminal import Terminal, clean
from tasks.models import Run
from tasks.services.runs import get_run

EVERY = 0.3  # seconds
STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red", "DEBUG": "dim"}


def log(terminal: Terminal, options: Namespace) -> int:
    run = get_run(options.run_id)
    for line in _lines(run, follow=options.follow):
        if options.errors and not line.is_error:
            continue
        if terminal.as_json:
            terminal.stream.write(json.dumps(_line_shape(line), ensure_ascii=False) + "\n")
        else:
            terminal.line(_line_text(line), STYLES.get(line.level, ""))
    return DONE


def _lines(run: Run, *, follow: bool) -> Iterator[LogLine]:
    folder, offset = run_folder(run), 0
    while True:
        # Asked before the read: what is written after the end would otherwise be left out.
        ended = run.is_ended
        page = read_log(folder, offset, ended=ended)
        yield from page.lines
        went_on, offset = page.end > offset, page.end
        if went_on:
            continue
        if ended or not follow:
            return
        time.sleep(EVERY)
        run = get_run(run.pk)


def _line_text(line: LogLine) -> str:
    if line.is_gap:
        return _("[%d bytes were left out here]") % (line.end - line.start)
    if line.at is None or not line.logger:  # goes on where the line before it ended
        return line.text
    return f"{line.at:%Y-%m-%d %H:%M:%S} [{line.logger}] {line.level}: {line.text}"


def _line_shape(line: LogLine) -> dict[str, Any]:
    return {
        "offset": line.start,
        "at": line.at.isoformat() if line.at else None,
        "level": line.level,
        "logger": line.logger,
        "text": line.text,
        "gap": line.is_gap,
    }


def _log_arguments(parser: ArgumentParser) -> None:
    parsing.run_id(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the run ends")
    parser.add_argument("--errors", action="store_true", help="only errors")


def items(terminal: Terminal, options: Namespace) -> int:
    run = get_run(options.run_id)
    form: Format = "json" if terminal.as_json else options.format
    parts = export_items(run_folder(run), form)
    if options.output:
        _save(Path(options.output), parts)
        return DONE
    if form == "xlsx" and terminal.console.is_terminal:
        raise Refused(_("A workbook is no text. Write it to a file with --output FILE."))
    _print(terminal, parts)
    return DONE


def _save(path: Path, parts: Iterable[bytes]) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(parts)
    except OSError as error:
        values = {"name": str(path), "reason": error.strerror or str(error)}
        raise Refused(_("%(name)s can't be written: %(reason)s.") % values) from error


def _print(terminal: Terminal, parts: Iterable[bytes]) -> None:
    binary = getattr(terminal.stream, "buffer", None)
    if binary is not None and not terminal.console.is_terminal:
        terminal.stream.flush()
        binary.writelines(parts)
        binary.flush()
        return
    for part in parts:
        text = part.decode("utf-8", "replace")
        terminal.stream.write(clean(text) if terminal.console.is_terminal else text)


def _items_arguments(parser: ArgumentParser) -> None:
    parsing.run_id(parser)
    parser.add_argument("--format", choices=CONTENT_TYPES, default="jsonl")
    parser.add_argument("--output", "-o", metavar="FILE", help="write there instead")


VERBS = (
    Verb(
        name="log",
        help=gettext_lazy("Print the log of a run."),
        run=log,
        arguments=_log_arguments,
    ),
    Verb(
        name="items",
        help=gettext_lazy("Print the items of a run."),
        run=items,
        arguments=_items_arguments,
    ),
)

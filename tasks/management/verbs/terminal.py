from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

from django.utils import timezone
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

STYLES = {
    "succeeded": "green", "running": "cyan", "starting": "cyan", "queued": "cyan",
    "suspicious": "yellow", "missed": "yellow", "skipped": "yellow",
    "failed": "red", "cancelled": "magenta", "on": "green", "off": "dim",
}  # fmt: skip
LEAST_WIDTH = 5
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Colours and cursor moves: a whole sequence goes, not only its first character.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def clean(text: object) -> str:
    """Text from outside must not move the cursor or set the window's title."""
    return _CONTROL.sub("", _ANSI.sub("", str(text)))


def one_line(text: object) -> str:
    return " ".join(clean(text).split())


class Terminal:
    """Colours and bars for people at a terminal, plain text in a pipe, JSON where asked for."""

    def __init__(self, out: TextIO, err: TextIO, *, as_json: bool, color: bool | None) -> None:
        self.as_json = as_json
        self.stream = out
        options: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
        if color is not None:
            options |= {"force_terminal": color or None, "no_color": not color}
        self.console = Console(file=out, soft_wrap=True, **options)
        self.errors = Console(file=err, soft_wrap=True, **options)

    @property
    def is_interactive(self) -> bool:
        return self.console.is_terminal and not self.as_json

    def json(self, value: Any) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
        self.stream.write(f"{text}\n")

    def show(self, value: Any, text: str) -> None:
        """The value for programs, the sentence for people."""
        if self.as_json:
            self.json(value)
        else:
            self.line(text)

    def line(self, text: str, style: str = "") -> None:
        self.console.print(clean(text), style=style or None)

    def warn(self, text: str) -> None:
        self.errors.print(clean(text), style="yellow")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        cells = [[one_line("" if value is None else value) for value in row] for row in rows]
        if self.is_interactive and not self._is_too_narrow(cells, len(columns)):
            self.console.print(_rich_table(columns, cells), soft_wrap=False)
        elif self.is_interactive:
            for row in cells:
                self.fields(pair for pair in zip(columns, row, strict=True) if pair[1])
                self.line("")
        else:
            self.stream.write(_plain_table(columns, cells))

    def _is_too_narrow(self, rows: Sequence[Sequence[str]], columns: int) -> bool:
        """The first column stays whole; a few characters of each other one are no help."""
        longest = max((len(row[0]) for row in rows), default=0)
        return longest + LEAST_WIDTH * (columns - 1) > self.console.width

    def fields(self, pairs: Iterable[tuple[str, object]]) -> None:
        shown = [(name, one_line("" if value is None else value)) for name, value in pairs]
        width = max((len(name) for name, _value in shown), default=0)
        for name, value in shown:
            line = Text(name.ljust(width + 2), style="bold")
            self.console.print(line.append(value, style=STYLES.get(value, "not bold")))

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Advance]:
        """A bar on standard error, so that what is piped stays clean."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        hidden = self.as_json or not self.errors.is_terminal
        with Progress(*columns, console=self.errors, transient=True, disable=hidden) as bar:
            yield Advance(bar, bar.add_task(label, total=total))


class Advance:
    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def __call__(self, done: int, total: int | None = None) -> None:
        self._bar.update(self._task, completed=done, total=total)


def moment(value: datetime | str | None) -> str:
    if not value:
        return ""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{timezone.localtime(when):%Y-%m-%d %H:%M %Z}"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(name, no_wrap=not index)  # ids are there to be copied
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    return table


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[name.upper() for name in columns], *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    padded = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "".join(f"{line}\n" for line in padded)

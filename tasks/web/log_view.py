"""The log as a page shows it: bounded parts, in words, whatever the size of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from tasks.execution.folder import run_folder
from tasks.execution.logs import LogLine, read_before, read_log, search_log
from tasks.models import Run
from tasks.web import when
from tasks.web.numbers import whole_number

# The end of the log that a page opens with.
TAIL = 96 * 1024
SHOWN = 500


@dataclass(frozen=True, slots=True)
class Line:
    css: str
    time: str
    word: str
    text: str

    def as_json(self) -> dict[str, str]:
        return {"css": self.css, "time": self.time, "word": self.word, "text": self.text}


@dataclass(frozen=True, slots=True)
class LogPart:
    lines: list[Line]
    # Where older lines end, and where newer ones begin.
    start: int
    next: int
    size: int
    find: str = ""
    errors_only: bool = False
    more_from: int | None = None
    is_older: bool = False

    @property
    def is_search(self) -> bool:
        return bool(self.find or self.errors_only)


def _word(line: LogLine) -> tuple[str, str]:
    if line.is_gap:
        return "gap", _("Cut")
    words = {
        "ERROR": ("error", _("Error")),
        "CRITICAL": ("error", _("Error")),
        "WARNING": ("warn", _("Note")),
    }
    return words.get(line.level, ("info", ""))


def show(line: LogLine, zone: tzinfo) -> Line:
    css, word = _word(line)
    text = line.text + (" …" if line.is_cut else "")
    if line.is_gap:
        text = _("A part in the middle was cut out: the log was too long.")
    return Line(css, when.clock_time(line.at, zone) if line.at else "", word, text)


def _folder(run: Run) -> Path:
    return run_folder(run)


def newest(run: Run, zone: tzinfo) -> LogPart:
    """The end of the log."""
    page = read_log(_folder(run), -TAIL, ended=run.is_ended)
    lines = page.lines[-SHOWN:]
    start = lines[0].start if lines else page.start
    return LogPart([show(line, zone) for line in lines], start, page.end, page.size)


def older(run: Run, before: int, zone: tzinfo) -> LogPart:
    """The lines that end where those on the page begin."""
    page = read_before(_folder(run), before, limit=TAIL)
    lines = page.lines[-SHOWN:]
    start = lines[0].start if lines else page.start
    shown = [show(line, zone) for line in lines]
    return LogPart(shown, start, before, page.size, is_older=True)


def after(run: Run, offset: int, zone: tzinfo) -> LogPart:
    page = read_log(_folder(run), offset, limit=TAIL, ended=run.is_ended)
    return LogPart([show(line, zone) for line in page.lines], offset, page.end, page.size)


def search(run: Run, text: str, zone: tzinfo, *, offset: int, errors_only: bool) -> LogPart:
    found = search_log(
        _folder(run), text, offset=offset, errors_only=errors_only, ended=run.is_ended
    )
    more = found.end if found.end < found.size else None
    lines = [show(line, zone) for line in found.lines]
    return LogPart(lines, 0, found.size, found.size, text, errors_only, more)


def chosen(run: Run, query: Any, zone: tzinfo) -> LogPart:
    """What the address of the page asks for; by default the end of the log."""
    text, errors_only = str(query.get("find", ""))[:200], "errors" in query
    if text or errors_only:
        return search(run, text, zone, offset=_offset(query, "from"), errors_only=errors_only)
    if "before" in query:
        return older(run, _offset(query, "before"), zone)
    return newest(run, zone)


def _offset(query: Any, name: str) -> int:
    return whole_number(str(query.get(name, ""))) or 0

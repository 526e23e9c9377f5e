"""What pages show of a log: parsed lines, errors only, search, follow. Each call reads a bounded
part, whatever the size of the log or of its lines."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.execution.logfile import MAX_READ, Chunk, LogFile

MAX_LINE = 4000
MAX_LINES = 2000
# What a page shows at once; parsing more would keep it waiting.
ONE_READ = 64 * 1024
# How far above a read the record is looked for that its first line belongs to.
LOOK_BACK = 8 * 1024
# How far back the beginning of a very long line is looked for.
LONGEST_WALK = 8 * 1024 * 1024
ERROR_LEVELS = frozenset({"ERROR", "CRITICAL"})

_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \[(?P<logger>[^\]]{1,200})\] "
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL): (?P<message>.*)",
    re.DOTALL,
)
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class LogLine:
    start: int
    end: int
    text: str
    """Without its time, logger and level when it has them: what is left to read."""
    level: str = ""
    logger: str = ""
    at: datetime | None = None
    is_gap: bool = False
    is_cut: bool = False
    """Longer than is shown."""

    @property
    def is_error(self) -> bool:
        return self.level in ERROR_LEVELS


@dataclass(frozen=True)
class LogPage:
    lines: list[LogLine]
    start: int
    end: int
    """Where the next read goes on."""
    size: int
    is_whole: bool
    """Nothing comes after it at the moment."""


def read_log(
    folder: Path,
    offset: int = 0,
    *,
    limit: int = ONE_READ,
    ended: bool = False,
    is_end_wanted: bool = False,
) -> LogPage:
    """Whole lines from `offset`. A negative offset counts from the end, as `tail` does.

    Of an ended run the last line may lack its end; of a live one it is awaited.
    """
    log = LogFile(folder)
    size = log.size()
    start = _tail_start(log, size, -offset) if offset < 0 else min(offset, size)
    chunk = log.read(start, max(limit, min(-offset, MAX_READ)))
    is_last = chunk.end >= size
    above = _above(log, chunk)
    lines = list(_split(chunk.data, chunk.start, is_last=is_last, ended=ended, known=above))
    is_end_wanted = is_end_wanted or offset < 0
    lines = lines[-MAX_LINES:] if is_end_wanted else lines[:MAX_LINES]
    if chunk.gap:
        lines.insert(0, _gap_line(chunk.gap))
    end = lines[-1].end if lines else chunk.start
    return LogPage(lines, start, end, size, is_whole=end >= size)


def read_before(folder: Path, before: int, *, limit: int = ONE_READ) -> LogPage:
    """The lines up to `before`; of one that is longer than a read its beginning."""
    size = LogFile(folder).size()
    end = begin = min(before, size)
    lines: list[LogLine] = []
    for _step in range(LONGEST_WALK // limit):
        until, begin = begin, max(0, begin - limit)
        part = read_log(folder, begin, limit=until - begin or 1, ended=True, is_end_wanted=True)
        # A part that begins inside a line would show half of it.
        whole = (line for line in part.lines if line.is_gap or line.start > begin or begin == 0)
        lines = [line for line in whole if line.start < end]
        if lines or begin == 0 or part.end < until:
            if part.end < end:
                lines += _rest(folder, part.end, end, limit)
            break
    return LogPage(lines, lines[0].start if lines else begin, before, size, is_whole=False)


def _rest(folder: Path, start: int, end: int, limit: int) -> list[LogLine]:
    """What a read didn't reach: beyond a gap, or a line that is too long for it."""
    gap = LogFile(folder).gap()
    if gap and gap[0] == start:
        found = read_log(folder, start, limit=min(limit, max(1, end - gap[1])), ended=True).lines
        return [line for line in found if line.start < end]
    return read_log(folder, start, limit=MAX_LINE * 4 + 1).lines[:1]


def _tail_start(log: LogFile, size: int, wanted: int) -> int:
    """The first line that begins in the last `wanted` bytes."""
    start = max(0, size - min(wanted, MAX_READ))
    gap = log.gap()
    if gap and start < gap[1] <= size:
        return max(start, gap[0])
    if start == 0:
        return 0
    head = log.read(start - 1, MAX_LINE).data
    newline = head.find(b"\n")
    return start + newline if newline >= 0 else start


def _gap_line(gap: tuple[int, int]) -> LogLine:
    return LogLine(gap[0], gap[1], "", is_gap=True)


def _above(log: LogFile, chunk: Chunk) -> LogLine:
    """The line before it, where the first one may belong to that one's record."""
    nothing = LogLine(0, 0, "")
    first = chunk.data[:MAX_LINE].partition(b"\n")[0]
    if not first or not chunk.start or chunk.gap or parse_line(first, 0).level:
        return nothing
    before = log.read(max(0, chunk.start - LOOK_BACK), min(LOOK_BACK, chunk.start))
    if before.end != chunk.start:
        return nothing
    lines = _split(before.data, before.start, is_last=False, ended=True, known=nothing)
    return deque(lines, maxlen=1).pop() if before.data else nothing


def _split(
    data: bytes, start: int, *, is_last: bool, ended: bool, known: LogLine
) -> Iterator[LogLine]:
    position = 0
    while position < len(data):
        newline = data.find(b"\n", position)
        after = newline + 1 if newline >= 0 else len(data)
        # An open line comes whole with a later read, unless it alone fills this one.
        is_awaited = len(data) - position < MAX_LINE and not ended if is_last else position > 0
        if newline < 0 and is_awaited:
            return
        line = parse_line(data[position:after], start + position)
        # Lines of a traceback belong to the record above them.
        known = line if line.level else replace(line, level=_inherited(known, line), at=known.at)
        yield known
        position = after


def _inherited(above: LogLine, line: LogLine) -> str:
    return above.level if line.text[:1] in {" ", "\t"} or _is_traceback(line.text) else ""


def _is_traceback(text: str) -> bool:
    return text.startswith(("Traceback ", "During handling", "The above exception"))


def parse_line(raw: bytes, start: int) -> LogLine:
    text = clean_text(raw[: MAX_LINE * 4].decode("utf-8", "replace").rstrip("\r\n"))
    is_cut = len(text) > MAX_LINE or len(raw) > MAX_LINE * 4
    match = _LINE.match(text)
    end = start + len(raw)
    if match is None:
        return LogLine(start, end, text[:MAX_LINE], is_cut=is_cut)
    return LogLine(
        start,
        end,
        match["message"][:MAX_LINE],
        level=match["level"],
        logger=match["logger"],
        at=_moment(match["at"]),
        is_cut=is_cut,
    )


def clean_text(text: str) -> str:
    """Without colours and what else would act on a screen or turn the reading direction."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", text))


def _moment(text: str) -> datetime | None:
    """Scrapy writes local time; the process of a run has the server's zone."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone(UTC)
    except ValueError:
        return None


# --- search -----------------------------------------------------------------------------------

SEARCH_SECONDS = 2.0
MAX_FOUND = 500


@dataclass(frozen=True)
class Found:
    lines: list[LogLine]
    end: int
    """Where the search goes on; the whole log was searched when it is the size."""
    size: int


def search_log(
    folder: Path,
    text: str = "",
    *,
    offset: int = 0,
    errors_only: bool = False,
    ended: bool = False,
) -> Found:
    """Lines that hold the text, upper or lower case alike, as far as a short time leads."""
    wanted = text.lower()
    found: list[LogLine] = []
    end, until = offset, time.monotonic() + SEARCH_SECONDS
    for part in _whole_lines(LogFile(folder), offset, ended=ended):
        if _may_match(part.data, wanted, errors_only=errors_only):
            lines = _split(
                part.data, part.start, is_last=False, ended=True, known=LogLine(0, 0, "")
            )
            found += [line for line in lines if _matches(line, wanted, errors_only=errors_only)]
        end = part.end
        if len(found) > MAX_FOUND:
            end = found[MAX_FOUND - 1].end
        if len(found) >= MAX_FOUND or time.monotonic() > until:
            break
    return Found(found[:MAX_FOUND], end, LogFile(folder).size())


def _whole_lines(log: LogFile, start: int, *, ended: bool) -> Iterator[Chunk]:
    """The log in parts that end with a line; one that is longer than a part comes in pieces."""
    rest = Chunk(b"", start, start)
    for chunk in log.blocks(start):
        is_next = chunk.start == rest.end
        data, begin = (rest.data + chunk.data, rest.start) if is_next else (chunk.data, chunk.start)
        cut = data.rfind(b"\n") + 1 or (len(data) if len(data) >= MAX_READ else 0)
        if cut:
            yield Chunk(data[:cut], begin, begin + cut)
        rest = Chunk(data[cut:], begin + cut, chunk.end)
    if rest.data and ended:
        yield rest


def _may_match(data: bytes, wanted: str, *, errors_only: bool) -> bool:
    """Taking a huge log apart line by line would take minutes."""
    if errors_only and not any(level.encode() in data for level in ERROR_LEVELS):
        return False
    # Beyond ASCII lower case has its rules, and colours may stand inside of a word.
    return not wanted.isascii() or b"\x1b" in data or wanted.encode() in data.lower()


def _matches(line: LogLine, wanted: str, *, errors_only: bool) -> bool:
    if line.is_gap or (errors_only and not line.is_error):
        return False
    return wanted in line.text.lower() or wanted in line.logger.lower()

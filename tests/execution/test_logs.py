from __future__ import annotations

import gzip
import struct
from datetime import UTC, datetime

import psutil
import pytest

from tasks.execution.logfile import LogFile
from tasks.execution.logs import (
    MAX_FOUND,
    MAX_LINE,
    clean_text,
    parse_line,
    read_before,
    read_log,
    search_log,
)
from tasks.execution.packing import pack_log
from tasks.runtime import logcut
from tasks.runtime.logcut import cut_log

STAMP = "2026-03-01 10:00:00 [shop] "


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def write(folder, *lines, end="\n"):
    (folder / "run.log").write_bytes(
        b"".join(
            (line if isinstance(line, bytes) else line.encode()) + end.encode() for line in lines
        )
    )


def texts(page):
    return [line.text for line in page.lines]


def test_a_line_of_scrapy_is_taken_apart():
    line = parse_line(b"2026-03-01 10:00:00 [scrapy.core.engine] INFO: Spider opened\n", 5)
    assert (line.level, line.logger, line.text) == ("INFO", "scrapy.core.engine", "Spider opened")
    assert line.at == datetime(2026, 3, 1, 10).astimezone(UTC)
    assert (line.start, line.end) == (5, 66)


def test_other_lines_are_shown_as_they_are():
    line = parse_line(b"just printed\n", 0)
    assert (line.level, line.text, line.at) == ("", "just printed", None)


def test_reading_goes_on_where_it_ended(folder):
    write(folder, *(f"{STAMP}INFO: line {number}" for number in range(1000)))
    position, seen = 0, []
    while position < (folder / "run.log").stat().st_size:
        page = read_log(folder, position, limit=1000)
        seen += texts(page)
        position = page.end
    assert seen == [f"line {number}" for number in range(1000)]


def test_an_unfinished_line_waits_for_its_end(folder):
    write(folder, "whole", end="\n")
    with (folder / "run.log").open("ab") as file:
        file.write(b"half")
    page = read_log(folder)
    assert texts(page) == ["whole"]
    with (folder / "run.log").open("ab") as file:
        file.write(b" and half\n")
    assert texts(read_log(folder, page.end)) == ["half and half"]


def test_the_last_line_of_an_ended_run_may_lack_its_end(folder):
    (folder / "run.log").write_bytes(b"one\nkilled in mid-wo")
    assert texts(read_log(folder)) == ["one"]
    assert texts(read_log(folder, ended=True)) == ["one", "killed in mid-wo"]


def test_the_tail_begins_with_a_whole_line(folder):
    write(folder, *(f"line {number:04}" for number in range(1000)))
    page = read_log(folder, -95)
    assert texts(page) == [f"line {number:04}" for number in range(991, 1000)]
    assert page.is_whole


def test_a_tail_longer_than_the_log_is_the_log(folder):
    write(folder, "one", "two")
    assert texts(read_log(folder, -5000)) == ["one", "two"]


def test_the_end_of_very_short_lines_is_the_end(folder):
    write(folder, *(f"{number}" for number in range(30_000)))
    assert texts(read_log(folder, -64 * 1024))[-1] == "29999"
    assert texts(read_before(folder, (folder / "run.log").stat().st_size))[-1] == "29999"


def back_to_the_beginning(folder):
    """What somebody sees who goes up and up, with the number of steps."""
    seen, steps, before = [], 0, LogFile(folder).size()
    while before > 0:
        page = read_before(folder, before)
        assert page.start < before
        seen, steps, before = page.lines + seen, steps + 1, page.start
    return seen, steps


def test_going_up_a_log_shows_each_line_once(folder):
    write(folder, *(f"{STAMP}INFO: line {number:05}" for number in range(8000)))
    seen, _steps = back_to_the_beginning(folder)
    assert [line.text for line in seen] == [f"line {number:05}" for number in range(8000)]


def test_going_up_shows_the_beginning_of_a_line_that_is_longer_than_a_read(folder):
    long = f"{STAMP}ERROR: " + "x" * 1_000_000
    write(folder, f"{STAMP}INFO: first", long, f"{STAMP}INFO: between", long, long, "last")
    seen, steps = back_to_the_beginning(folder)
    shown = [line.text[:7] for line in seen]
    assert shown == ["first", "xxxxxxx", "between", "xxxxxxx", "xxxxxxx", "last"]
    assert seen[1].is_cut
    assert steps < 10


@pytest.mark.parametrize("packed", [False, True])
def test_going_up_passes_a_gap_once(folder, packed):
    write(folder, *(f"{STAMP}INFO: line {number:06}" for number in range(100_000)))
    gap = cut_log(folder, 1024 * 1024)
    if packed:
        pack_log(folder)
    seen, _steps = back_to_the_beginning(folder)
    starts = [line.start for line in seen]
    assert starts == sorted(set(starts))
    assert [line.start for line in seen if line.is_gap] == [gap[0]]
    assert (seen[0].text, seen[-1].text) == ("line 000000", "line 099999")
    kept = (LogFile(folder).size() - gap[1] + gap[0]) // len(f"{STAMP}INFO: line 000000\n")
    assert len(seen) - 1 == pytest.approx(kept, abs=2)


def test_a_traceback_belongs_to_its_error(folder):
    write(
        folder,
        f"{STAMP}ERROR: Spider error",
        "Traceback (most recent call last):",
        '  File "x.py", line 1',
        f"{STAMP}INFO: on we go",
        "printed",
    )
    assert [line.is_error for line in read_log(folder).lines] == [True, True, True, False, False]


def test_a_traceback_belongs_to_its_error_wherever_a_read_begins(folder):
    write(folder, f"{STAMP}ERROR: it broke", "Traceback (most recent call last):", '  File "x"')
    whole = read_log(folder).lines
    for line in whole[1:]:
        first = read_log(folder, line.start).lines[0]
        assert (first.level, first.at, first.text) == ("ERROR", whole[0].at, line.text)


def test_what_is_printed_far_below_a_record_belongs_to_none(folder):
    write(folder, f"{STAMP}INFO: a", *["  dots " * 100] * 20)
    last = read_log(folder).lines[-1]
    assert read_log(folder, last.start).lines[0].level == ""


def test_long_lines_other_encodings_and_colours_are_safe(folder):
    write(folder, "x" * 1_000_000, b"caf\xe9 \x1b[31mred\x1b[0m \x00 \xe2\x80\xae", "after")
    seen, position = [], 0
    while position < (folder / "run.log").stat().st_size:
        page = read_log(folder, position)
        seen += page.lines
        position = page.end
    assert all(len(line.text) <= MAX_LINE for line in seen)
    assert seen[0].is_cut
    assert seen[-2].text == "caf� red � �"
    assert seen[-1].text == "after"


def test_errors_only_and_search_look_through_the_log(folder):
    lines = [f"{STAMP}INFO: fine {number}" for number in range(5000)]
    lines[3000] = f"{STAMP}ERROR: No price on /shoes"
    write(folder, *lines)
    assert [line.text for line in search_log(folder, errors_only=True).lines] == [
        "No price on /shoes"
    ]
    assert [line.text for line in search_log(folder, "PRICE").lines] == ["No price on /shoes"]
    assert search_log(folder, "nowhere").lines == []


def test_a_search_with_many_hits_goes_on_after_the_last_one_shown(folder):
    write(folder, *(f"{STAMP}ERROR: wrong {number}" for number in range(1234)))
    found, offset = [], 0
    while offset < LogFile(folder).size():
        part = search_log(folder, offset=offset, errors_only=True)
        assert len(part.lines) <= MAX_FOUND
        found += [line.text for line in part.lines]
        offset = part.end
    assert found == [f"wrong {number}" for number in range(1234)]


def test_a_search_sees_what_is_left_of_a_cut_and_packed_log(folder):
    lines = [f"{STAMP}INFO: line {number} {'x' * 50}" for number in range(20_000)]
    write(folder, f"{STAMP}ERROR: at first", *lines, f"{STAMP}ERROR: at last")
    whole = search_log(folder, errors_only=True)
    assert [line.text for line in whole.lines] == ["at first", "at last"]
    cut_log(folder, 400_000)
    assert search_log(folder, errors_only=True).lines == whole.lines
    pack_log(folder)
    assert search_log(folder, errors_only=True, ended=True).lines == whole.lines
    assert search_log(folder, "line 10000 ", ended=True).lines == []
    assert [each.text[:10] for each in search_log(folder, "LINE 19999 ").lines] == ["line 19999"]


def test_a_last_line_without_its_end_is_found_when_the_run_has_ended(folder):
    (folder / "run.log").write_text(f"{STAMP}INFO: fine\n{STAMP}ERROR: torn")
    assert search_log(folder, errors_only=True).lines == []
    assert [line.text for line in search_log(folder, errors_only=True, ended=True).lines] == [
        "torn"
    ]


def test_packing_keeps_offsets(folder):
    write(folder, *(f"{STAMP}INFO: line {number}" for number in range(5000)))
    before = read_log(folder, 100_000)
    size = (folder / "run.log").stat().st_size
    pack_log(folder)
    assert not (folder / "run.log").exists()
    after = read_log(folder, 100_000)
    assert (after.lines, after.end, after.size) == (before.lines, before.end, size)
    assert texts(read_log(folder, -60))[-1] == "line 4999"


def test_a_packed_log_is_read_without_unpacking_what_is_before(folder):
    write(folder, *(f"{STAMP}INFO: line {number:06}" for number in range(60_000)))
    begin = (folder / "run.log").read_bytes().index(b"line 050000") - len(STAMP) - len("INFO: ")
    pack_log(folder)
    packed = folder / "run.log.gz"
    assert gzip.decompress(packed.read_bytes()).endswith(b"line 059999\n")
    packed.write_bytes(b"\0" * 1000 + packed.read_bytes()[1000:])
    assert texts(read_log(folder, begin))[:2] == ["line 050000", "line 050001"]
    assert texts(read_log(folder, -60))[-1] == "line 059999"


def test_a_log_over_its_cap_keeps_head_and_tail_with_one_gap(folder):
    write(folder, *(f"{STAMP}INFO: line {number:06}" for number in range(100_000)))
    log = folder / "run.log"
    size, blocks = log.stat().st_size, log.stat().st_blocks
    gap = cut_log(folder, 1024 * 1024)
    assert log.stat().st_size == size
    assert log.stat().st_blocks < blocks / 2
    position, seen = 0, []
    while position < size:
        page = read_log(folder, position)
        seen += page.lines
        position = page.end
    assert [line.start for line in seen if line.is_gap] == [gap[0]]
    assert seen[0].text == "line 000000"
    assert seen[-1].text == "line 099999"
    assert not any("\x00" in line.text for line in seen)


def test_cutting_again_moves_the_gap_on_and_packing_leaves_it_out(folder):
    write(folder, *(f"{STAMP}INFO: line {number:06}" for number in range(60_000)))
    first = cut_log(folder, 512 * 1024)
    with (folder / "run.log").open("a") as file:
        file.writelines(f"{STAMP}INFO: more {number:06}\n" for number in range(60_000))
    second = cut_log(folder, 512 * 1024)
    assert first[0] == second[0]
    assert second[1] > first[1]
    pack_log(folder)
    assert texts(read_log(folder, -80))[-1] == "more 059999"
    assert read_log(folder, second[0]).lines[0].is_gap


@pytest.mark.parametrize("platform", ["freebsd14", "darwin"])
def test_where_no_holes_can_be_made_the_middle_goes_when_the_run_has_ended(
    folder, monkeypatch, platform
):
    """As on a file system of macOS or of a network that refuses: Linux takes no such request."""
    monkeypatch.setattr(logcut.sys, "platform", platform)
    write(folder, *(f"{STAMP}INFO: line {number:06}" for number in range(100_000)))
    size = (folder / "run.log").stat().st_size
    assert cut_log(folder, 1024 * 1024) is None
    assert read_log(folder, size // 2).lines, "while it runs nothing is lost"
    gap = cut_log(folder, 1024 * 1024, has_ended=True)
    pack_log(folder)
    assert size - (gap[1] - gap[0]) < 1.2 * 1024 * 1024
    assert texts(read_log(folder, -60))[-1] == "line 099999"
    assert read_log(folder, gap[0]).lines[0].is_gap
    assert LogFile(folder).size() == size


def test_macos_is_asked_for_a_hole_as_its_header_file_says(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(logcut.sys, "platform", "darwin")
    monkeypatch.setattr(logcut.fcntl, "fcntl", lambda *words: asked.append(words))
    write(folder, *(f"{STAMP}INFO: line {number:06}" for number in range(60_000)))
    start, end = cut_log(folder, 512 * 1024)
    [(_descriptor, number, region)] = asked
    assert number == 99
    assert len(region) == 24
    assert struct.unpack("IIqq", region) == (0, 0, start, end - start)
    assert start % 4096 == end % 4096 == 0


def test_a_small_log_is_never_cut(folder):
    write(folder, "line")
    assert cut_log(folder, 1024 * 1024) is None


def bytes_read_so_far() -> int:
    return psutil.Process().io_counters().read_chars


@pytest.mark.skipif(not hasattr(psutil.Process, "io_counters"), reason="macOS counts no reads")
def test_the_first_lines_and_the_end_of_a_huge_log_are_read_without_the_rest(folder):
    with (folder / "run.log").open("wb") as file:
        file.write(b"first\n")
        file.truncate(1024**3)
        file.seek(0, 2)
        file.write(b"\n" + b"last\n" * 1000)
    before = bytes_read_so_far()
    assert texts(read_log(folder))[0] == "first"
    assert texts(read_log(folder, -4000))[-1] == "last"
    assert bytes_read_so_far() - before < 4 * 1024**2


def test_a_link_in_place_of_the_log_is_not_followed(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("else") / "secret"
    secret.write_text("password")
    (folder / "run.log").symlink_to(secret)
    assert read_log(folder).lines == []


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\u202eb", "a�b"),
        ("tab\tstays", "tab\tstays"),
        ("\x9b31m", "�31m"),
    ],
)
def test_what_would_act_on_a_screen_is_taken_out(raw, clean):
    assert clean_text(raw) == clean

"""Caps a log while it is written: the middle is given back to the file system as a hole, so that
offsets stay what they were and the writer never notices. Where a file system makes no holes, a log
is cut when its run has ended, as it is packed."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from .files import read_json, write_json

KEEP_SIZE_AND_PUNCH_HOLE = 0x01 | 0x02
# <sys/fcntl.h> of macOS: its number, and fpunchhole_t (flags, reserved, offset, length).
F_PUNCHHOLE, FPUNCHHOLE = 99, "=IIqq"
BLOCK = 64 * 1024
Gap = tuple[int, int]


def cut_log(folder: Path, cap: int, *, has_ended: bool = False) -> Gap | None:
    """Keep the first and the last part of run.log, cap bytes in all. Returns the gap, if any."""
    log = folder / "run.log"
    try:
        size = log.stat().st_size
    except OSError:
        return None
    known = read_gap(folder)
    kept = size - (known[1] - known[0] if known else 0)
    # Half a cap of slack, so that a chatty log is cut now and then and not each second.
    if not cap or kept <= cap + cap // 2:
        return known
    gap = _gap(size, cap)
    if known:
        gap = (known[0], max(known[1], gap[1]))
    if gap[1] <= gap[0] or not (_punch(log, gap) or has_ended):
        return known
    write_json(folder / "log.json", {"gap": list(gap)})
    return gap


def read_gap(folder: Path) -> Gap | None:
    data = read_json(folder / "log.json")
    return (int(data["gap"][0]), int(data["gap"][1])) if data and data.get("gap") else None


def _gap(size: int, cap: int) -> Gap:
    """From the end of the head to the start of the tail, on whole blocks."""
    half = max(BLOCK, cap // 2 // BLOCK * BLOCK)
    return half, max(half, (size - half) // BLOCK * BLOCK)


def _punch(log: Path, gap: Gap) -> bool:
    """False where the system or this file system has no holes."""
    descriptor = os.open(log, os.O_WRONLY)
    try:
        punch = PUNCHES.get(sys.platform)
        return punch is not None and punch(descriptor, gap)
    finally:
        os.close(descriptor)


def _punch_on_linux(descriptor: int, gap: Gap) -> bool:
    return not _fallocate()(descriptor, KEEP_SIZE_AND_PUNCH_HOLE, gap[0], gap[1] - gap[0])


def _punch_on_macos(descriptor: int, gap: Gap) -> bool:
    region = struct.pack(FPUNCHHOLE, 0, 0, gap[0], gap[1] - gap[0])
    try:
        fcntl.fcntl(descriptor, F_PUNCHHOLE, region)
    except OSError:
        return False
    return True


PUNCHES = {"linux": _punch_on_linux, "darwin": _punch_on_macos}


@lru_cache(maxsize=1)
def _fallocate() -> Any:
    function = ctypes.CDLL(None, use_errno=True).fallocate
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong]
    return function

"""Caps a log while it is written: the middle is given back to the file system as a hole, so that
offsets stay what they were and the writer never notices."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from .files import read_json, write_json

KEEP_SIZE_AND_PUNCH_HOLE = 0x01 | 0x02
BLOCK = 64 * 1024


def cut_log(folder: Path, cap: int) -> tuple[int, int] | None:
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
    if not _punch(log, gap):
        return known
    write_json(folder / "log.json", {"gap": list(gap)})
    return gap


def read_gap(folder: Path) -> tuple[int, int] | None:
    data = read_json(folder / "log.json")
    return (int(data["gap"][0]), int(data["gap"][1])) if data and data.get("gap") else None


def _gap(size: int, cap: int) -> tuple[int, int]:
    """From the end of the head to the start of the tail, on whole blocks."""
    half = max(BLOCK, cap // 2 // BLOCK * BLOCK)
    return half, max(half, (size - half) // BLOCK * BLOCK)


@lru_cache(maxsize=1)
def _fallocate() -> Any:
    if sys.platform != "linux":
        return None
    function = ctypes.CDLL(None, use_errno=True).fallocate
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong]
    return function


def _punch(log: Path, gap: tuple[int, int]) -> bool:
    fallocate = _fallocate()
    if fallocate is None or gap[1] <= gap[0]:
        return False
    descriptor = os.open(log, os.O_WRONLY)
    try:
        failed = fallocate(descriptor, KEEP_SIZE_AND_PUNCH_HOLE, gap[0], gap[1] - gap[0])
        return not failed
    finally:
        os.close(descriptor)

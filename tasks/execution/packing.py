"""Packs the log of an ended run: compressed, the gap of a cut log left out."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import IO, cast

from tasks.runtime.files import write_json
from tasks.runtime.logcut import read_gap

PACK_FROM = 64 * 1024
COPY = 1024 * 1024


def pack_log(folder: Path) -> None:
    """Small logs stay as they are. A reader finds either file, whole, at any moment."""
    log, packed = folder / "run.log", folder / "run.log.gz"
    if not log.exists() or log.stat().st_size < PACK_FROM:
        return
    size, gap = log.stat().st_size, read_gap(folder)
    draft = folder / ".run.log.gz"
    with log.open("rb") as source, gzip.open(draft, "wb", compresslevel=6) as target:
        for start, end in _parts(size, gap):
            source.seek(start)
            _copy(source, cast("IO[bytes]", target), end - start)
    draft.replace(packed)
    write_json(folder / "log.json", {"gap": list(gap) if gap else None, "size": size})
    log.unlink()


def _parts(size: int, gap: tuple[int, int] | None) -> list[tuple[int, int]]:
    return [(0, gap[0]), (gap[1], size)] if gap else [(0, size)]


def _copy(source: IO[bytes], target: IO[bytes], length: int) -> None:
    while length > 0 and (data := source.read(min(length, COPY))):
        target.write(data)
        length -= len(data)

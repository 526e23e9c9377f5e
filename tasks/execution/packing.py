"""Packs the log of an ended run: compressed, the gap of a cut log left out."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tasks.runtime.files import write_json
from tasks.runtime.logcut import read_gap

PACK_FROM = 64 * 1024
# So much is compressed by itself, one after the other as gzip allows: a read unpacks one of them.
PART = 1024 * 1024


def pack_log(folder: Path) -> None:
    """Small logs stay as they are. A reader finds either file, whole, at any moment."""
    log, packed = folder / "run.log", folder / "run.log.gz"
    if not is_to_be_packed(log):
        return
    size, gap = log.stat().st_size, read_gap(folder)
    draft = folder / ".run.log.gz"
    starts: list[int] = []
    try:
        with log.open("rb") as source, draft.open("wb") as target:
            for part in _parts(source, size, gap):
                starts.append(target.tell())
                target.write(gzip.compress(part, compresslevel=6))
        draft.replace(packed)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    record = {"gap": list(gap) if gap else None, "size": size, "part": PART, "starts": starts}
    write_json(folder / "log.json", record)
    log.unlink()


def is_to_be_packed(log: Path) -> bool:
    return log.exists() and log.stat().st_size >= PACK_FROM


def _parts(source: IO[bytes], size: int, gap: tuple[int, int] | None) -> Iterator[bytes]:
    """All of the same length but the last."""
    part = b""
    for start, end in [(0, gap[0]), (gap[1], size)] if gap else [(0, size)]:
        source.seek(start)
        left = end - start
        while left > 0 and (data := source.read(min(left, PART - len(part)))):
            left -= len(data)
            part += data
            if len(part) == PART:
                yield part
                part = b""
    if part:
        yield part

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

PAGE_TEXT, PAGE_FACTS = "failing-page.txt", "failing-page.json"
RESERVE = ".reserve"
RESERVE_BYTES = 64 * 1024
# As JSON writes them; whole pairs are looked at too, and come out as they were.
_UNSTORABLE = re.compile(r"\\u(0000|d[89a-f])", re.IGNORECASE)
# Every database and every reader of JSON takes it.
LARGEST = 2**53
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def write_json(path: Path, data: Json) -> None:
    """Write, then rename: a reader sees the old file or the new one, never half of it."""
    # json.dump() instead of dumps() leaves a reference cycle behind per call.
    text = json.dumps(data, default=str)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def keep_room(folder: Path) -> None:
    """For the last words of a run: on a disk that is full by then, they are what must be known."""
    with contextlib.suppress(OSError), (folder / RESERVE).open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        else:
            file.write(bytes(RESERVE_BYTES))


def release_room(folder: Path) -> None:
    (folder / RESERVE).unlink(missing_ok=True)


def write_last_words(path: Path, data: Json) -> None:
    _in_kept_room(path.parent, lambda: write_json(path, data))


def is_no_room(error: OSError) -> bool:
    return error.errno in _NO_ROOM


def _in_kept_room(folder: Path, write: Callable[[], Any]) -> Any:
    try:
        return write()
    except OSError as error:
        if not is_no_room(error):
            raise
    release_room(folder)
    return write()


def read_json(path: Path) -> Json | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return parse_json(text)


def parse_json(text: str) -> Json | None:
    """What a spider had a hand in, fit for a table: PostgreSQL takes no NUL and no half of a
    surrogate pair, and neither database a NaN."""
    try:
        data = json.loads(text, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    return _storable(data) if _UNSTORABLE.search(text) else data


def storable_text(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def count_of(value: object) -> int:
    """Of what a spider may have put in the place of a count, whatever its type and size."""
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) else 0
    return max(0, min(value, LARGEST)) if isinstance(value, int) else 0


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(key): _storable(inner) for key, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list) else value


def create_json(path: Path, data: Json) -> bool:
    """Create the file, whole, unless it exists: of many who try, one succeeds."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        text = json.dumps(data)
        _in_kept_room(path.parent, lambda: draft.write_text(text, encoding="utf-8"))
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    return True

"""Pages that were kept on the disk for later runs, and whose time is over: Scrapy reads them no
more and leaves them there. Redis forgets its own by itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from tasks.execution.folder import cache_folder
from tasks.models import ACTIVE, Task


def forget_old_pages() -> int:
    """How many went. A run that goes on may be about to write one of its task's again."""
    tasks = Task.objects.filter(http_cache_ttl__gt=0).exclude(runs__status__in=ACTIVE)
    gone = 0
    for task_id, seconds in tasks.values_list("task_id", "http_cache_ttl").iterator():
        for page in _older_than(cache_folder(task_id), seconds):
            shutil.rmtree(page, ignore_errors=True)
            _remove_empty(islice(page.parents, 3))
            gone += 1
    return gone


def _older_than(folder: Path, seconds: int) -> Iterator[Path]:
    """Below the folder of a task: its spider, the first letters of the page's key, the key."""
    latest = time.time() - seconds
    for page in list(folder.glob("*/*/*")):
        # Written again, a page keeps its folder: this file is what Scrapy goes by, too.
        written = page / "pickled_meta"
        with suppress(OSError):  # one that can't be looked at must not keep the others
            if (written if written.exists() else page).stat().st_mtime < latest:
                yield page


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return

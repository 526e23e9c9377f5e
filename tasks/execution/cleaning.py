"""Removes old runs, rows and folders, and folders that no row knows any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from tasks.execution.folder import remove_folder, run_folder, runs_dir, size_of
from tasks.models import Run
from tasks.services.retention import Removal, remove_runs, runs_to_remove

BATCH = 200
# A younger folder may belong to a run whose row is being written.
ORPHAN_SECONDS = 24 * 3600


def clean_up(arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One entry per removed run or folder, for the cleaning run's own items."""
    is_preview = bool(arguments.get("preview"))
    removals = runs_to_remove(size_of=_bytes_of, days=arguments.get("days"))
    while batch := list(islice(removals, BATCH)):
        entries = [_entry(removal) for removal in batch]
        if not is_preview:
            remove_runs(removal.run for removal in batch)
            for removal in batch:
                remove_folder(removal.run)
        yield from entries
    for folder in _orphans():
        yield {"folder": f"{folder.parent.name}/{folder.name}", "bytes": size_of(folder)}
        if not is_preview:
            shutil.rmtree(folder, ignore_errors=True)


def _bytes_of(run: Run) -> int:
    return size_of(run_folder(run))


def _entry(removal: Removal) -> dict[str, Any]:
    run = removal.run
    return {
        "task": run.task_key,
        "run": str(run.pk),
        "at": run.at.isoformat(),
        "status": run.status,
        "why": removal.why,
        "bytes": _bytes_of(run),
    }


def _orphans() -> Iterator[Path]:
    latest = time.time() - ORPHAN_SECONDS
    folders = [path for path in runs_dir().glob("*/*") if path.is_dir() and _id_of(path)]
    old = [path for path in folders if path.lstat().st_mtime < latest]
    for start in range(0, len(old), BATCH):
        ids = {path: _id_of(path) for path in old[start : start + BATCH]}
        known = set(Run.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
        yield from (path for path, run_id in ids.items() if run_id not in known)


def _id_of(path: Path) -> UUID | None:
    try:
        return UUID(path.name) if not path.is_symlink() else None
    except ValueError:
        return None

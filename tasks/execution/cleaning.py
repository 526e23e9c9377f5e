"""What a clean-up task removes: old runs by their rules, and folders that no row knows any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from tasks.execution.folder import runs_dir, size_of
from tasks.execution.retention import Doomed, Removed, Rules, clean_up, preview
from tasks.models import Run
from tasks.services import audit
from tasks.services.actors import Actor

BATCH = 200
# A younger folder may belong to a run whose row is being written.
ORPHAN_SECONDS = 24 * 3600


def clean_by_arguments(arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One entry per removed run or folder, for the cleaning run's own items."""
    days, is_trial = arguments.get("days"), bool(arguments.get("preview"))
    doomed = preview(rules=None if days is None else Rules(days=int(days)))
    for start in range(0, len(doomed), BATCH):
        batch = doomed[start : start + BATCH]
        if not is_trial:
            clean_up(batch)
        yield from map(entry, batch)
    for folder in list(orphans()):
        yield {"folder": f"{folder.parent.name}/{folder.name}", "bytes": size_of(folder)}
        if not is_trial:
            shutil.rmtree(folder, ignore_errors=True)


def clean_up_for(actor: Actor, doomed: Sequence[Doomed], *, days: int | None) -> Removed:
    """By hand, and so it stands in the audit."""
    removed = clean_up(doomed)
    changes: dict[str, list[Any]] = {"runs": [removed.runs, 0], "days": [None, days]}
    audit.record(actor=actor, action="cleanup", task=None, changes=changes)
    return removed


def entry(doomed: Doomed) -> dict[str, Any]:
    run = doomed.run
    return {
        "task": run.task_key,
        "run": str(run.pk),
        "at": run.at.isoformat(),
        "status": run.status,
        "why": doomed.why,
        "bytes": doomed.size,
    }


def orphans() -> Iterator[Path]:
    """Folders of runs that no row knows: left by a crash between the two removals."""
    latest = time.time() - ORPHAN_SECONDS
    folders = [path for path in runs_dir().glob("*/*") if path.is_dir() and _id_of(path)]
    old = [path for path in folders if path.lstat().st_mtime < latest]
    for start in range(0, len(old), BATCH):
        ids = {path: _id_of(path) for path in old[start : start + BATCH]}
        known = set(Run.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
        yield from (path for path, run_id in ids.items() if run_id not in known)


def _id_of(path: Path) -> UUID | None:
    try:
        return None if path.is_symlink() else UUID(path.name)
    except ValueError:
        return None

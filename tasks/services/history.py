"""Forgets ended runs: the rows here, their folders by whoever asks."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

from django.conf import settings

from tasks.models import ACTIVE, Run, Task

BATCH = 200


def forget_runs(*, run_ids: Sequence[UUID]) -> int:
    """Deletes the rows; a run that is not over stays. Returns how many went."""
    gone = 0
    for start in range(0, len(run_ids), BATCH):
        rows = Run.objects.filter(pk__in=run_ids[start : start + BATCH]).exclude(status__in=ACTIVE)
        gone += rows.delete()[1].get("tasks.Run", 0)
    return gone


def forget_history(task: Task) -> None:
    """What is running goes when it has ended: until then its process writes into its folder."""
    task.runs.active().update(is_unwanted=True)
    task.runs.exclude(status__in=[Run.Status.STARTING, Run.Status.RUNNING]).delete()


def remove_files_of_task(task_id: str) -> None:
    """What a deleted task leaves behind: its folders, except those of runs that still have rows.

    What it remembered goes with it: another task that is given its id would take it for its own.
    """
    data = Path(settings.DATA_DIR)
    for kind in ("state", "httpcache"):
        shutil.rmtree(data / kind / task_id, ignore_errors=True)
    remove_folders_without_rows(data / "runs" / task_id)


def remove_folders_without_rows(folder: Path) -> int:
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    orphans = names - _with_rows(names)
    for name in orphans:
        shutil.rmtree(folder / name, ignore_errors=True)
    if names and names == orphans:
        shutil.rmtree(folder, ignore_errors=True)
    return len(orphans)


def _with_rows(names: Iterable[str]) -> set[str]:
    ids = list(filter(_is_id, names))
    known: set[str] = set()
    for start in range(0, len(ids), BATCH):
        rows = Run.objects.filter(pk__in=ids[start : start + BATCH]).values_list("pk", flat=True)
        known.update(map(str, rows))
    return known


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False

"""The run folder: DATA_DIR/runs/<task_id>/<run id>/. Paths are made of ids alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings

from tasks.models import Run

_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,100}")


def data_dir() -> Path:
    return Path(settings.DATA_DIR)


def runs_dir() -> Path:
    return data_dir() / "runs"


def run_folder(run: Run) -> Path:
    return folder_of(run.task_key, run.pk)


def folder_of(task_key: str, run_id: UUID | str) -> Path:
    """Raises ValueError for anything that is not made of ids."""
    if not _SLUG.fullmatch(task_key):
        raise ValueError(f"not a task id: {task_key!r}")
    return runs_dir() / task_key / str(UUID(str(run_id)))


def state_folder(task_key: str) -> Path:
    """What a spider remembers between its runs."""
    if not _SLUG.fullmatch(task_key):
        raise ValueError(f"not a task id: {task_key!r}")
    return data_dir() / "state" / task_key


def cache_folder(task_key: str) -> Path:
    return data_dir() / "httpcache" / task_key


def is_inside(path: Path, folder: Path) -> bool:
    """False for links that lead out of it: a spider may have made one."""
    return path.resolve().is_relative_to(folder.resolve())


def remove_folder(run: Run) -> None:
    """Also the task's own folder when this was its last run."""
    folder = run_folder(run)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()
    except OSError:
        return


def size_of(folder: Path) -> int:
    """On disk: a hole in a cut log counts nothing."""
    if not folder.is_dir():
        return 0
    return sum(path.lstat().st_blocks * 512 for path in folder.iterdir() if not path.is_dir())

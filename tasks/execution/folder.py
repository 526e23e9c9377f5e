"""The run folder: DATA_DIR/runs/<task_id>/<run id>/. Paths are made of ids alone."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path
from typing import IO
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


def open_plain(path: Path) -> IO[bytes]:
    """Raises OSError for anything but a file of the run: a spider may have put a link there, to
    something that isn't its own, or a pipe, which would wait for ever."""
    if path.parent.is_symlink():
        raise PermissionError(f"{path.parent} is a link")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PermissionError(f"{path} is not a plain file")
    return os.fdopen(descriptor, "rb")


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

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

# Below this much free space nothing is started: a full disk loses items and even the database.
LEAST_FREE_BYTES = 200 * 1024 * 1024


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def disk_usage() -> Disk:
    """Of the disk with less room, where the runs lie on one of their own. Raises OSError."""
    data = Path(settings.DATA_DIR)
    runs = data / "runs"
    places = [data, runs] if runs.is_dir() else [data]
    return min((Disk(*shutil.disk_usage(place)) for place in places), key=lambda disk: disk.free)

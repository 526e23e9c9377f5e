"""The file that an export wrote into its run's folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.execution.folder import open_plain, run_folder
from tasks.execution.items import CONTENT_TYPES
from tasks.handlers.export import file_name, format_of
from tasks.models import Run, Task

CHUNK = 64 * 1024
ENDED_WELL = (Run.Status.SUCCEEDED, Run.Status.SUSPICIOUS)


@dataclass(frozen=True)
class ExportedFile:
    name: str
    content_type: str
    parts: Iterator[bytes]


def has_file(run: Run) -> bool:
    return run.kind == Task.Kind.EXPORT and run.status in ENDED_WELL


def exported_file(run: Run) -> ExportedFile | None:
    """None where no export wrote one, or where it was cleaned up since."""
    if not has_file(run):
        return None
    path = run_folder(run) / file_name(run.arguments)
    try:
        open_plain(path).close()
    except OSError:
        return None
    return ExportedFile(path.name, CONTENT_TYPES[format_of(run.arguments)], _parts(path))


def _parts(path: Path) -> Iterator[bytes]:
    with open_plain(path) as file:
        while part := file.read(CHUNK):
            yield part

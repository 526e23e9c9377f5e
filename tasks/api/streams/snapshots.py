"""What the tables say about runs, read by one thread for all streams of this process."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError, close_old_connections

from tasks.models import TERMINAL, Run

AT_ONCE = 500
# Of the figures that a run reports: what a page shows while it goes on.
SHOWN = ("stage", "url", "pending", "bytes", "memory_kb", "failed_pages")
COLUMNS = ("pk", "status", "items", "pages", "errors", "progress", "external_id")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    status: str
    spider_job_id: str
    items: int = 0
    pages: int = 0
    errors: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL


def snapshot_of(run: Run) -> Snapshot:
    return _snapshot({name: getattr(run, name) for name in COLUMNS})


def _snapshot(row: Mapping[str, Any]) -> Snapshot:
    known = row["progress"] if isinstance(row["progress"], dict) else {}
    return Snapshot(
        status=row["status"],
        spider_job_id=row["external_id"] or str(row["pk"]),
        items=row["items"],
        pages=row["pages"],
        errors=row["errors"],
        details={name: known[name] for name in SHOWN if name in known},
    )


def read_snapshots(keys: Collection[UUID]) -> dict[UUID, Snapshot]:
    """Empty when the database is away: streams go on, and it is asked again."""
    found: dict[UUID, Snapshot] = {}
    wanted = list(keys)
    try:
        close_old_connections()
        for start in range(0, len(wanted), AT_ONCE):
            rows = Run.objects.filter(pk__in=wanted[start : start + AT_ONCE])
            found.update({row["pk"]: _snapshot(row) for row in rows.values(*COLUMNS)})
    except DatabaseError as error:
        logger.warning("Could not read the runs that are watched: %s", type(error).__name__)
    return found

"""What a run's own process says of its start, by the claim in its folder."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from django.utils import timezone

from tasks.models import Run
from tasks.runtime.order import read_claim
from tasks.services.moves import move

logger = logging.getLogger(__name__)
Status = Run.Status


def note_claim(run: Run, folder: Path) -> bool:
    """Whether its process has started. Writes no table yet."""
    claim = read_claim(folder, run.claim_token)
    if claim is None:
        return False
    run.pid, run.start_ticks, run.boot_id = claim["pid"], claim["start_ticks"], claim["boot_id"]
    run.started_at = datetime.fromtimestamp(claim["at"], UTC)
    return True


def begin(run: Run) -> bool:
    """The step from starting to running, of a run whose claim was noted."""
    moved = move(
        run.pk,
        source=Status.STARTING,
        target=Status.RUNNING,
        token=run.claim_token,
        heartbeat_at=timezone.now(),
        pid=run.pid,
        start_ticks=run.start_ticks,
        boot_id=run.boot_id,
        started_at=run.started_at,
    )
    if moved:
        run.status = Status.RUNNING
        logger.info("run %s of %s started, pid %s", run.pk, run.task_key, run.pid)
    return moved

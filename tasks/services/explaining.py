"""Why a run went as it did: for pages, the command line and the API alike."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from django.utils.translation import gettext as _

from tasks.models import Run
from tasks.outcomes import Explanation, explain, what_happened
from tasks.services.actors import SCHEDULER

# A run that goes on explains itself.
SILENT = frozenset({Run.Status.QUEUED, Run.Status.STARTING, Run.Status.RUNNING})


def reason_line(run: Run, zone: tzinfo | None = None) -> str:
    """The one sentence beside a run in a list; empty where nothing needs to be said."""
    if not has_reason(run):
        return ""
    return what_happened(run.reason, _known(run), zone=zone)


def explain_run(run: Run, zone: tzinfo | None = None) -> Explanation | None:
    """What happened, the likely cause, what to do next; None where there is nothing to explain."""
    if not has_reason(run):
        return None
    return explain(run.reason, _known(run), zone=zone)


def has_reason(run: Run) -> bool:
    return bool(run.reason) and run.status not in SILENT


def _known(run: Run) -> dict[str, Any]:
    figures = {"items": run.items, "pages": run.pages, "errors": run.errors}
    return {"by": _stopped_by(run), "name": run.cancel_requested_by, **figures, **run.detail}


def _stopped_by(run: Run) -> str:
    """The scheduler too stops runs, where a newer one takes an older one's place."""
    by_itself = run.cancel_requested_by == SCHEDULER.name
    return _("the scheduler") if by_itself else run.cancel_requested_by

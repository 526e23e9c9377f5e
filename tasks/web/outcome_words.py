"""Why a run went as it did, in a line for lists and in full for its page."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from tasks.models import Run
from tasks.outcomes import Explanation, explain, what_happened
from tasks.services.actors import SCHEDULER
from tasks.web import when

# A good end explains itself, and so does a run that goes on.
SILENT = frozenset({"queued", "starting", "running"})


def _extra(run: Run) -> dict[str, Any]:
    return {
        "by": _stopped_by(run),
        "name": run.cancel_requested_by,
        "items": run.items,
        "pages": run.pages,
        "errors": run.errors,
    }


def _stopped_by(run: Run) -> str:
    """The scheduler too stops runs, where a newer one takes an older one's place."""
    by_itself = run.cancel_requested_by == SCHEDULER.name
    return _("the scheduler") if by_itself else run.cancel_requested_by


def reason_line(run: Run, zone: tzinfo) -> str:
    """The one sentence beside a run in a list; empty where nothing needs to be said."""
    if not run.reason or run.status in SILENT:
        return ""
    return what_happened(run.reason, _known(run), zone=zone)


def _known(run: Run) -> dict[str, Any]:
    return {**_extra(run), **run.detail}


def help_for(run: Run, now: datetime, zone: tzinfo) -> Explanation | None:
    if not run.reason or run.status in SILENT or run.status == Run.Status.SUCCEEDED:
        return None
    last_seen = when.absolute(run.heartbeat_at, now, zone) if run.heartbeat_at else ""
    return explain(run.reason, _known(run), zone=zone, last_seen=last_seen)

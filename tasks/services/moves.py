"""The only place where a run's status changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tasks.models import TRANSITIONS, Run


class ImpossibleMove(RuntimeError):
    """The code asked for a move that the table of transitions doesn't have."""


def move(
    run_id: UUID, *, source: str, target: str, token: str | None = None, **fields: Any
) -> bool:
    """Moves one run; False means that another process got there first.

    With `token` only the holder of that claim may move it.
    """
    if target not in TRANSITIONS.get(source, frozenset()):
        raise ImpossibleMove(f"{source} → {target}")
    rows = Run.objects.filter(pk=run_id, status=source)
    if token is not None:
        rows = rows.filter(claim_token=token)
    return rows.update(status=target, **fields) == 1

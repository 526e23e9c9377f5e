"""What every operation may answer besides its own."""

from __future__ import annotations

from typing import Any

from tasks.api.problems import Problem

COMMON = (401, 403, 422, 429, 503)


def answers(success: dict[int, Any], *problems: int) -> dict[int, Any]:
    return {**success, **dict.fromkeys(sorted({*COMMON, *problems}), Problem)}


def gateway_answers(success: dict[int, Any], *problems: int) -> dict[int, Any]:
    """The gateway's paths say 400 for wrong input."""
    found = answers(success, 400, *problems)
    del found[422]
    return found

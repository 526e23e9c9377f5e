"""`manage.py runscheduler` that is killed, or hangs, at a chosen point of its work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

import django

# Where, and whether the original is called first.
POINTS = {
    "before the ledger commits": ("tasks.services.firing", "_advance", False),
    "in a firing": ("tasks.services.firing", "_advance", False),
    "after the claim": ("tasks.execution.worker", "claim", True),
    "after the start": ("tasks.executors.local", "LocalExecutor.start", True),
}


def break_at(point: str, number: signal.Signals) -> None:
    module, path, after = POINTS[point]
    place: Any = import_module(module)
    *owners, name = path.split(".")
    for owner in owners:
        place = getattr(place, owner)
    setattr(place, name, _breaking(getattr(place, name), number, after=after))


def _breaking(
    original: Callable[..., Any], number: signal.Signals, *, after: bool
) -> Callable[..., Any]:
    def broken(*args: Any, **kwargs: Any) -> Any:
        if not after and not args[0]:  # nothing is written in this wakeup
            return original(*args, **kwargs)
        result = original(*args, **kwargs) if after else None
        if after and result is False:
            return result
        os.kill(os.getpid(), number)
        return result if after else original(*args, **kwargs)

    return broken


def main() -> None:
    django.setup()
    from django.core.management import call_command

    break_at(os.environ["BREAK_AT"], signal.Signals[os.environ.get("BREAK_BY", "SIGKILL")])
    call_command("runscheduler")


if __name__ == "__main__":
    main()

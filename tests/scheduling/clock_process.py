"""A scheduler without a worker, as a process of its own: only the clock is on trial."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import django


def main() -> None:
    django.setup()
    from tasks.scheduling.host import Clock
    from tasks.services import planning

    # So that a test need not wait for a minute until a slot counts as late.
    if seconds := os.environ.get("LATE_AFTER"):
        planning.ON_TIME = timedelta(seconds=float(seconds))
    clock = Clock()
    signal.signal(signal.SIGTERM, lambda *_: clock.ask_to_stop())
    clock.start()


if __name__ == "__main__":
    main()

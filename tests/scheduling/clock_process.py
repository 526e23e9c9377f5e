"""A scheduler without a worker, as a process of its own: only the clock is on trial."""

from __future__ import annotations

import signal

import django


def main() -> None:
    django.setup()
    from tasks.scheduling.host import Clock

    clock = Clock()
    signal.signal(signal.SIGTERM, lambda *_: clock.ask_to_stop())
    clock.start()


if __name__ == "__main__":
    main()

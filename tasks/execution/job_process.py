"""A job's process: `python -m tasks.execution.job_process FOLDER TOKEN`. It claims its run before
Django is loaded: on a busy machine that takes longer than anybody waits for a sign of life."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tasks.runtime.child import REFUSED, prepare, reset_signals, stand_alone, write_to_log
from tasks.runtime.family import end_children
from tasks.runtime.order import Order, claim


def main(folder: Path, token: str) -> int:
    stand_alone()
    write_to_log(folder)
    reset_signals()
    order = Order.read(folder)
    if order is None or order.token != token or not claim(folder, token):
        sys.stderr.write("This order was withdrawn or is being run by another process.\n")
        return REFUSED
    prepare(folder, order)
    os.environ.update(order.env)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    import django  # noqa: PLC0415 - after the claim

    django.setup()
    from tasks.execution.performing import perform  # noqa: PLC0415 - needs Django

    try:
        return perform(folder, order)
    finally:
        end_children()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))

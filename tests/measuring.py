"""Coverage where it tells something. In Python 3.11 a tracer slows down all that runs, our own code
or not, to half its pace: what no test looks at goes on without it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import coverage

import tasks


@contextmanager
def unmeasured() -> Iterator[None]:
    measuring = coverage.Coverage.current()
    if measuring is None:
        yield
        return
    measuring.stop()
    try:
        yield
    finally:
        measuring.start()


# Processes of these tests do what those of others do too: with browsers, shells and in numbers.
UNMEASURED = {"browser", "demo", "docs", "house", "setup", "test_gateway_race"}


def measures_processes(test: Path) -> bool:
    return UNMEASURED.isdisjoint({test.parent.name, test.stem})


# It changes the process that it is started in.
PROGRAMS = {"tasks.runtime.boot"}


def import_all() -> None:
    """What a module does while it is imported is measured too."""
    if coverage.Coverage.current() is None:
        return
    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        if ".migrations" not in module.name and module.name not in PROGRAMS:
            import_module(module.name)

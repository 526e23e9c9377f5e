"""One run in a fresh process: for projects that cannot be forked safely, and where there is no
safe fork at all (macOS). Usage: boot.py single FOLDER TOKEN

Without arguments it loads the project and then waits on standard input for its order (spare.py)."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .child import reset_signals, run_and_exit, stand_alone, write_to_log
from .spare import wait_for_order

if TYPE_CHECKING:
    from .project import Project

# A module of the project would otherwise choose the wrong one while it loads.
REACTOR_FIRST = "--reactor-first"


def main(arguments: list[str]) -> int:
    stand_alone()
    reset_signals()
    reactor_first = arguments[:1] == [REACTOR_FIRST]
    place = arguments[reactor_first:]
    load: Callable[[], Project]
    if place:
        folder, token = place
        load = partial(_load, reactor_first=reactor_first)
    else:
        door = _door()
        load = _load_early(reactor_first=reactor_first)
        order = wait_for_order(door)
        if order is None:
            os._exit(0)  # whatever threads the project has
        folder, token = order
    write_to_log(Path(folder))
    run_and_exit(Path(folder), token, load)
    return 0


def _door() -> int:
    """Not standard input any more: the project's code might read from that while it loads."""
    door, null = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return door


def _load(*, reactor_first: bool) -> Project:
    from .project import enter_project, load_project, project_path  # noqa: PLC0415 - after claim

    enter_project(project_path())
    project = load_project(reactor_first=reactor_first)
    # What is loaded now stays: the collector need not walk it again and again during the crawl.
    gc.freeze()
    return project


def _load_early(*, reactor_first: bool) -> Callable[[], Project]:
    """What fails here fails in the run, which says so in its log."""
    try:
        from .preload import preload  # noqa: PLC0415 - as slow as the project
        from .project import enter_project, project_path  # noqa: PLC0415

        enter_project(project_path())
        project = preload(reactor_first=reactor_first)
    except BaseException as error:  # noqa: BLE001 - project code may raise anything
        problem = error

        def fail() -> Project:
            raise problem

        return fail
    gc.freeze()
    return lambda: project

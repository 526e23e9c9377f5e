"""One run in a fresh process: for projects that cannot be forked safely, and where there is no
safe fork at all (macOS). Usage: boot.py single FOLDER TOKEN"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from .child import become_run, reset_signals, run_and_exit

if TYPE_CHECKING:
    from .project import Project


def main(arguments: list[str]) -> int:
    folder, token = Path(arguments[0]), arguments[1]
    become_run(folder)
    reset_signals()
    run_and_exit(folder, token, _load)
    return 0


def _load() -> Project:
    from .project import enter_project, load_project, project_path  # noqa: PLC0415 - after claim

    enter_project(project_path())
    project = load_project()
    # What is loaded now stays: the collector need not walk it again and again during the crawl.
    gc.freeze()
    return project

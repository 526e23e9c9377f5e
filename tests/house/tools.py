from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.environment import ROOT

# Code of ours that runs for users: what the size and wording rules are about.
CODE = ("scheduler_site", "tasks", "spiders", "script", "manage.py")


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, *arguments, **env)


def passes(done: subprocess.CompletedProcess[str]) -> bool:
    """Shows what the tool said when it found something."""
    if done.returncode:
        print(done.stdout[-20_000:], done.stderr[-20_000:], sep="\n")
    return done.returncode == 0


@cache
def tracked() -> tuple[Path, ...]:
    """The files of the repository; of a tree without git, what .gitignore does not name."""
    done = run("git", "ls-files", "--cached", "--others", "--exclude-standard")
    assert passes(done)
    return tuple(ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file())


def tracked_below(*places: str, suffix: str = ".py") -> list[Path]:
    roots = [ROOT / place for place in places]
    return [
        file
        for file in tracked()
        if file.suffix == suffix and any(root in (file, *file.parents) for root in roots)
    ]

"""Runs the Procfile's processes together: `python -m scheduler_site.processes`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import honcho.manager
from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parent.parent
# Spiders get time to finish their open requests and to write down what they found.
honcho.manager.KILL_WAIT = 60


def process_env() -> dict[str, str]:
    """The Procfile says `python`: the one that runs this, whichever comes first on the PATH."""
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join([binaries, os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def run(procfile: Path) -> int:
    manager = honcho.manager.Manager()
    processes = parse_procfile(procfile.read_text(encoding="utf-8")).processes
    for name, command in processes.items():
        manager.add_process(name, command, env=process_env(), cwd=str(ROOT))
    manager.loop()
    return int(manager.returncode or 0)


if __name__ == "__main__":
    sys.exit(run(ROOT / "Procfile"))

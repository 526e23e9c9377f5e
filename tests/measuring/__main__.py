"""`python -m tests.measuring [arguments of pytest]`: tests, and the branch coverage of tasks/."""

from __future__ import annotations

import marshal
import os
import pickle
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.measuring.marking import Mark, marked

ROOT = Path(__file__).resolve().parents[2]
# Not in PYTHONPATH: of that a spider's process sees nothing. Names that begin so reach it.
FOLDER = "SPIDER_SCHEDULER_MEASURED"
START = f"""\
import os; hook = os.environ.get("{FOLDER}", os.devnull) + "/hook.py"; \
os.path.exists(hook) and exec(compile(open(hook).read(), hook, "exec"), {{}})
"""


def prepare(root: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="spider-scheduler-measured-"))
    shutil.copy(Path(__file__).with_name("hook.py"), folder)
    marks: dict[str, list[Mark]] = {}
    first = 0
    for path in sorted((root / "tasks").rglob("*.py")):
        if "migrations" in path.parts:
            continue
        code, marks[str(path)] = marked(path.read_text(encoding="utf-8"), str(path), first)
        (folder / str(path).replace("/", "\\")).write_bytes(marshal.dumps(code))
        first += len(marks[str(path)])
    (folder / "hits").write_bytes(bytes(first))
    (folder / "marks").write_bytes(pickle.dumps(marks))
    return folder


def hook_into_every_process(site_packages: Path) -> None:
    """It stays, and does nothing where nothing is measured."""
    (site_packages / "spider_scheduler_measured.pth").write_text(START, encoding="utf-8")


if __name__ == "__main__":
    os.environ[FOLDER] = str(prepare(ROOT))
    hook_into_every_process(Path(sysconfig.get_path("purelib")))
    pytest = [sys.executable, "-m", "pytest", "-p", "tests.measuring.report"]
    os.execv(sys.executable, [*pytest, *sys.argv[1:]])

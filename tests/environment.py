"""A known environment for the tests, whatever the shell around them holds."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

from tasks.management.translations import compile_all

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "scheduler_site" / "settings.py"
READ = re.compile(r'\benv\.\w+\(\s*"([A-Z][A-Z_]+)"')
# The database to test on, and what the services need, are the caller's to choose.
KEPT = {"DATABASE_URL"}


def setting_names() -> set[str]:
    return set(READ.findall(SETTINGS.read_text(encoding="utf-8"))) | {"SECRET_KEY"}


def prepare() -> Path:
    """Each test process has a data folder of its own, which goes away with it."""
    for name in setting_names() - KEPT:
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="spider-scheduler-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "static").mkdir()
    for texts in ("locale", "spiders/locale"):
        compile_all(ROOT / texts)
    os.environ |= {"DATA_DIR": str(folder), "ENV_FILE": os.devnull, "DEMO": "on"}
    return folder

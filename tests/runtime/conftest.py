from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.executors.environment import clean_environment
from tasks.executors.local import BOOT
from tests.website import Site

WILD = Path(__file__).parent.parent / "projects" / "wild"


@pytest.fixture
def site():
    with Site() as site:
        yield site


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(WILD, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def perform(tmp_path, project):
    def run(spider, *, allowed=("127.0.0.0/8",), timeout=60, **fields):
        folder = tmp_path / "run"
        folder.mkdir()
        order = {"run_id": "r", "token": "t", "spider": spider, "allowed_networks": list(allowed)}
        (folder / "order.json").write_text(json.dumps({**order, **fields}))
        subprocess.run(
            [sys.executable, "-P", str(BOOT), "single", str(folder), "t"],
            env=clean_environment(os.environ, project=str(project), settings_module=""),
            check=False,
            timeout=timeout,
        )
        return json.loads((folder / "outcome.json").read_text()), (folder / "run.log").read_text(
            errors="replace"
        )

    return run

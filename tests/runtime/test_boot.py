from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT

WILD = Path(__file__).parent.parent / "projects" / "wild"


def boot(*arguments, project=WILD):
    """By its name, not by its path: so it is measured."""
    return subprocess.run(
        [sys.executable, "-m", "tasks.runtime.boot", *arguments],
        cwd=ROOT,
        env={**os.environ, "SPIDER_SCHEDULER_PROJECT": str(project)},
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_a_project_is_read_by_a_package_of_another_name(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(WILD, project, ignore=shutil.ignore_patterns("__pycache__"))
    ended = boot("catalogue", project=project)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["spiders"]


@pytest.mark.parametrize("arguments", [[], ["lunch"]])
def test_what_can_be_started_is_said(arguments):
    ended = boot(*arguments)
    assert ended.returncode == 2
    assert ended.stderr == b"usage: boot.py launcher|single|catalogue ...\n"

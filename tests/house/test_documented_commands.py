"""Runs what the README and docs/ tell people to type: every line of every `sh` block."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.environment import ROOT

PAGES = ["README.md", "docs/operations.md", "docs/security.md"]
# Pages whose examples have tests of their own.
OTHERS = {"docs/command-line.md", "docs/migrating.md", "docs/task-files.md", "docs/python.md"}
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# These start servers or this suite itself; each has a test or a job of its own.
ELSEWHERE = {
    "./script/server": "tests/setup/test_scripts.py",
    "./script/test": ".ci/run",
    "./script/test tests/when -n 2": ".ci/run",
}


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line for block in BLOCK.findall(text) for line in block.splitlines()]


def run(command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    here = command.replace(".venv/bin/python", sys.executable)
    return subprocess.run(
        here, shell=True, cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_every_documented_command_works_in_its_order(data_dir):
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    env |= {"DATA_DIR": str(data_dir), "DEMO": "on"}
    for command in [line for page in PAGES for line in commands(page)]:
        if command not in ELSEWHERE:
            done = run(command, env)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (data_dir / "backup.sqlite3").stat().st_size > 100_000


def test_every_page_with_commands_is_read():
    pages = {"README.md", *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))}
    assert {page for page in pages - OTHERS if commands(page)} <= set(PAGES)


def test_commands_that_are_tested_elsewhere_are_still_documented():
    assert set(ELSEWHERE) <= {line for page in PAGES for line in commands(page)}

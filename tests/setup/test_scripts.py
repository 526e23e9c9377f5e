from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.processes import marked, started, status
from tests.waiting import wait_until

OLD_PYTHON = "#!/bin/sh\nexit 1\n"


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def bare_tree(tmp_path) -> Path:
    """Only what script/bootstrap needs."""
    tree = tmp_path / "tree"
    (tree / "script").mkdir(parents=True)
    shutil.copy2(ROOT / "script" / "bootstrap", tree / "script")
    (tree / "requirements.txt").write_text("# nothing\n")
    return tree


def bootstrap(tree: Path, path: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tree / "script" / "bootstrap"],
        env={"PATH": path, "HOME": str(tree), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def tools() -> str:
    """A PATH with a shell's tools and no Python."""
    return "/nonexistent"


def test_a_python_that_is_too_old_is_passed_over_and_a_second_run_does_nothing(bare_tree, tmp_path):
    program(tmp_path / "old" / "python3", OLD_PYTHON)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    path = f"{tmp_path / 'old'}:{tmp_path / 'new'}:/usr/bin:/bin"
    first = bootstrap(bare_tree, path)
    assert first.returncode == 0, first.stderr
    assert (bare_tree / ".venv" / "bin" / "python").exists()
    assert "Making .venv" in first.stdout
    assert "Installing requirements.txt" in first.stdout
    assert bootstrap(bare_tree, path).stdout == ""
    (bare_tree / "requirements.txt").write_text("# nothing, in other words\n")
    assert "Installing requirements.txt" in bootstrap(bare_tree, path).stdout


def test_without_a_fitting_python_it_says_what_is_needed(bare_tree, tmp_path):
    old = program(tmp_path / "old" / "python3", OLD_PYTHON)
    done = bootstrap(bare_tree, "/usr/bin:/bin", PYTHON=str(old))
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert not (bare_tree / ".venv").exists()


@pytest.fixture
def tree(tmp_path) -> Path:
    """This tree with its packages already installed, so that nothing is fetched."""
    folder = tmp_path / "tree"
    folder.mkdir()
    for name in ("manage.py", "scheduler_site", "tasks", "spiders", "templates", "Procfile"):
        (folder / name).symlink_to(ROOT / name)
    program(folder / ".venv" / "bin" / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    shutil.copytree(ROOT / "script", folder / "script")
    program(folder / "script" / "bootstrap", "#!/bin/sh\n")
    return folder


def server(tree: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tree / "script" / "server", *options],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--colour"], "unknown option --colour"),
        (["--port"], "--port needs a value"),
        (["extra"], "unknown option extra"),
        (["--env-file", "none.env"], "there is no file"),
    ],
)
def test_the_server_refuses_options_that_it_does_not_know(tree, options, complaint):
    done = server(tree, *options)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_the_server_tells_its_options(tree):
    done = server(tree, "--help")
    assert done.returncode == 0
    assert "--no-demo" in done.stdout


def test_a_bad_setting_stops_the_start_with_its_name(tree, data_dir):
    done = server(tree, "--port=eighty", DATA_DIR=str(data_dir))
    assert done.returncode != 0
    assert done.stderr == (
        "manage.py: PORT is not valid. Allowed: a whole number from 1 to 65535.\n"
    )


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_server_starts_the_site_and_leaves_nothing_behind(tree, tmp_path, free_port, sign):
    mark = f"server-{free_port}"
    command = [str(tree / "script" / "server"), "--port", str(free_port), "--no-demo"]
    command += ["--data-dir", "kept"]
    env = {**os.environ, "DEMO": ""}
    with started(command, mark=mark, env=env, cwd=tmp_path) as process:
        address = f"http://127.0.0.1:{free_port}/admin/login/"
        assert wait_until(lambda: status(address), timeout=60) == 200
        process.send_signal(sign)
        output, _ = process.communicate(timeout=60)
        wait_until(lambda: not marked(mark))
    assert (tmp_path / "kept" / "db.sqlite3").exists()
    assert f"http://127.0.0.1:{free_port}/" in output
    assert re.search(r"Password: \S+", output)

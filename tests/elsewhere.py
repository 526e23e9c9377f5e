"""The product as on a system without /proc, which no test runs on: there psutil has to tell what
is read here. This very process, and a copy of the tree in which a single line is another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tasks.executors import house, local
from tasks.runtime import machine
from tests.environment import ROOT

PARTS = ("manage.py", "scheduler_site", "tasks", "templates", "locale", "spiders", "scrapy.cfg")
LINE, OTHER = 'PROC = Path("/proc")', 'PROC = Path("/there-is-none")'


def copy_tree(target: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        options = {"ignore": ignore} if (ROOT / part).is_dir() else {}
        copy(ROOT / part, target / part, **options)
    changed = target / "tasks" / "runtime" / "machine.py"
    text = changed.read_text(encoding="utf-8")
    assert text.count(LINE) == 1
    changed.write_text(text.replace(LINE, OTHER), encoding="utf-8")
    return target


@pytest.fixture(scope="session")
def other_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_tree(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch):
    """For this process alone."""
    machine.boot_id.cache_clear()
    monkeypatch.setattr(machine, "PROC", Path("/there-is-none"))
    yield
    machine.boot_id.cache_clear()


@pytest.fixture
def elsewhere(no_proc: None, other_tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """For the processes that this one starts, too."""
    monkeypatch.setattr(local, "BOOT", other_tree / "tasks" / "runtime" / "boot.py")
    monkeypatch.setattr(house, "ROOT", other_tree)
    return other_tree

"""Projects that end whatever loads them, as a broken library can, or take their time."""

from __future__ import annotations

import shutil

import pytest

from tasks.outcomes import explain, sentence
from tests.execution.conftest import WILD


@pytest.fixture
def project(bench, settings, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(WILD, project, ignore=shutil.ignore_patterns("__pycache__"))
    settings.SCRAPY_PROJECT_PATH = str(project)
    bench.use_own_launcher()
    return project


@pytest.fixture
def deadly(project):
    file = project / "spiders" / "z_ends.py"
    file.write_text("import os\nos._exit(5)\n")
    return file


@pytest.fixture
def slow(project):
    file = project / "spiders" / "z_slow.py"
    file.write_text("import time\ntime.sleep(2)\n")
    return file


def notes(bench):
    return [sentence(note) for note in bench.worker.condition.notes]


def test_what_keeps_every_run_from_starting_is_said_until_it_is_mended(bench, deadly):
    run = bench.queue("echo")
    bench.drive(lambda: any("exit code 5" in note for note in notes(bench)))
    assert bench.worker.condition.launcher == ""
    deadly.unlink()
    assert bench.until_ended(run).status == "succeeded"
    bench.drive(lambda: bench.worker.condition.launcher == "fork")
    assert not any("exit code" in note for note in notes(bench))


def test_a_run_that_nothing_can_start_is_not_tried_for_ever(bench, deadly, monkeypatch):
    monkeypatch.setattr("tasks.execution.supervising.START_GRACE", 0.5)
    run = bench.until_ended(bench.queue("echo"))
    assert (run.status, run.reason) == ("failed", "launcher")
    assert "gave no answer" in explain(run.reason, run.detail).happened


def test_a_project_that_takes_long_to_import_costs_no_run(bench, slow, monkeypatch):
    """At the first start, and again after new code."""
    monkeypatch.setattr("tasks.execution.supervising.START_GRACE", 0.3)
    run = bench.until_ended(bench.queue("echo"))
    assert (run.status, run.attempt) == ("succeeded", 1)
    slow.write_text(f"{slow.read_text()}# edited\n")
    run = bench.until_ended(bench.queue("echo"))
    assert (run.status, run.reason) == ("succeeded", "")
    assert not bench.worker.executor.is_loading()

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.runtime.chain import BadStep, items_of, load_class, run_steps
from tasks.runtime.jobs import JobRun

CHAINS = Path(__file__).parent.parent / "projects" / "chains"


@pytest.fixture(autouse=True)
def project(monkeypatch):
    before = set(sys.modules)
    monkeypatch.syspath_prepend(CHAINS)
    yield CHAINS
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "shop":
            del sys.modules[name]


def steps(*names, **kwargs):
    return [{"class": f"shop.steps.{name}", "kwargs": kwargs} for name in names]


def test_plain_async_and_generating_steps_work_in_one_chain(project):
    chain = [*steps("Load", count=3), *steps("Double", "Stream", "Total")]
    assert run_steps(chain, project) == {"total": 6}


@pytest.mark.parametrize(
    ("result", "items"),
    [
        (None, []),
        ({"a": 1}, [{"a": 1}]),
        ([{"a": 1}, 2], [{"a": 1}, {"value": 2}]),
        ("text", [{"value": "text"}]),
        ((number for number in (1, 2)), [{"value": 1}, {"value": 2}]),
    ],
)
def test_whatever_the_last_step_returns_becomes_items(result, items):
    assert list(items_of(result)) == items


@pytest.mark.parametrize(
    "path",
    [
        "Load",
        "os.system",
        "shop.steps.subprocess",
        "shop.steps.Missing",
        "shop.steps.time.sleep",
        "shop.missing.Load",
        "tasks.runtime.chain.BadStep",
        "builtins.eval",
        "..shop.Load",
    ],
)
def test_what_the_project_does_not_define_is_refused_before_anything_runs(project, path):
    with pytest.raises(BadStep):
        load_class(path, project)


def test_a_virtual_environment_inside_the_project_is_none_of_its_code(project, tmp_path):
    module = tmp_path / ".venv" / "lib" / "sneaky.py"
    module.parent.mkdir(parents=True)
    module.write_text("class Load:\n    def run(self): ...\n")
    sys.path.insert(0, str(module.parent))
    try:
        with pytest.raises(BadStep, match="not a class of this project"):
            load_class("sneaky.Load", tmp_path)
    finally:
        sys.path.remove(str(module.parent))


def test_a_job_leaves_the_files_of_a_crawl_behind(tmp_path):
    with JobRun(tmp_path) as job:
        job.emit({"n": 1})
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert (outcome["final"], outcome["finish_reason"]) == (True, "finished")
    assert (outcome["items_stored"], outcome["stats"]["item_scraped_count"]) == (1, 1)
    assert json.loads((tmp_path / "progress.json").read_text())["items"] == 1
    assert (tmp_path / "items.jsonl").read_text() == '{"n": 1}\n'


def test_a_job_that_raises_says_so_in_its_outcome_and_keeps_its_items(tmp_path):
    with JobRun(tmp_path) as job:
        job.emit({"n": 1})
        raise LookupError("the shelf is empty")
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["bootstrap_error"] == {"type": "LookupError", "message": "the shelf is empty"}
    assert outcome["items_stored"] == 1


def test_an_interrupted_job_is_not_swallowed(tmp_path):
    with pytest.raises(KeyboardInterrupt), JobRun(tmp_path):
        raise KeyboardInterrupt
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


STOPPED_AT = """
import os, signal, sys
from pathlib import Path
from tasks.runtime import jobs

def stopped_when(stage):
    write_json = jobs.write_json
    def write(path, content):
        write_json(path, content)
        if content["stage"] == stage:
            os.kill(os.getpid(), signal.SIGTERM)
    jobs.write_json = write

jobs.log_to_the_run()
stopped_when(sys.argv[2])
with jobs.JobRun(Path(sys.argv[1])) as job:
    job.emit({"n": 1})
"""


@pytest.mark.parametrize(
    ("stage", "finish_reason", "items"), [("working", "shutdown", 0), ("closing", "finished", 1)]
)
def test_a_job_that_is_stopped_at_its_first_or_last_sign_of_life_says_how_it_ended(
    tmp_path, stage, finish_reason, items
):
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_AT, str(tmp_path), stage],
        capture_output=True,
        text=True,
        check=False,
    )
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert (outcome["finish_reason"], outcome["items_stored"]) == (finish_reason, items)
    assert ("Stopped by a signal" in done.stderr) == (finish_reason == "shutdown")
    assert done.returncode >= 0

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.environment import ROOT
from tests.processes import marked, started
from tests.waiting import wait_until

RUN = "import sys; from pathlib import Path; from scheduler_site.processes import run; "
RUN += "sys.exit(run(Path(sys.argv[1])))"
READY = (
    "echo $$ > {0}/{1}; trap 'echo done > {0}/{1}.done; exit 0' TERM; while :; do sleep 0.1; done"
)


@pytest.fixture
def procfile(tmp_path):
    lines = [f"{name}: {READY.format(tmp_path, name)}" for name in ("web", "scheduler")]
    file = tmp_path / "Procfile"
    file.write_text("\n".join(lines))
    return file


def running(procfile, mark):
    command = [sys.executable, "-c", RUN, str(procfile)]
    return started(command, mark=mark, env=os.environ, cwd=ROOT)


def exist(folder, *names):
    return lambda: all((folder / name).exists() for name in names)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process_and_each_may_finish_its_work(procfile, sign):
    with running(procfile, f"honcho-{sign}") as manager:
        wait_until(exist(procfile.parent, "web", "scheduler"), timeout=30)
        manager.send_signal(sign)
        manager.communicate(timeout=30)
        wait_until(lambda: not marked(f"honcho-{sign}"))
    assert exist(procfile.parent, "web.done", "scheduler.done")()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_leaves_nothing_behind(procfile, sign):
    early = "import os, scheduler_site.processes as p; start = p.PatientManager._start; "
    early += (
        f"p.PatientManager._start = lambda self: (os.kill(os.getpid(), {int(sign)}), start(self)); "
    )
    command = [sys.executable, "-c", early + RUN, str(procfile)]
    mark = f"honcho-early-{sign}"
    with started(command, mark=mark, env=os.environ, cwd=ROOT) as manager:
        manager.communicate(timeout=30)
        wait_until(lambda: not marked(mark))


def test_when_one_process_ends_the_other_does_too(procfile):
    procfile.write_text(f"web: {READY.format(procfile.parent, 'web')}\nscheduler: exit 7")
    with running(procfile, "honcho-ends") as manager:
        manager.communicate(timeout=30)
        assert manager.returncode == 7
        assert not marked("honcho-ends")


def test_the_procfile_runs_with_the_python_that_runs_it(procfile):
    procfile.write_text("which: python -c 'import sys; print(sys.prefix)'")
    with running(procfile, "honcho-python") as manager:
        output, _ = manager.communicate(timeout=30)
    assert sys.prefix in output

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import psutil
import pytest

from tasks.execution.processes import is_running, kill_all, members, memory_of_runs
from tasks.runtime.machine import boot_id, start_ticks
from tests.elsewhere import no_proc  # noqa: F401 - a fixture
from tests.waiting import wait_until

# A run with a child in its session, one that left it, and below that one which forgot everything.
LEADER = """
import os, subprocess, sys
sleep = ["/bin/sleep", "300"]
below = "import subprocess, sys; p = subprocess.Popen(['/bin/sleep', '300'], env={});"
below += "print(p.pid, flush=True); p.wait()"
inside = subprocess.Popen(sleep, env={})
outside = subprocess.Popen(
    [sys.executable, "-c", below], env={}, start_new_session=True, stdout=subprocess.PIPE
)
forgot = int(outside.stdout.readline())
marked = subprocess.Popen(
    sleep, env={"SPIDER_RUN_ID": sys.argv[1]}, start_new_session=True
)
held = b"x" * int(sys.argv[2])
print(inside.pid, outside.pid, forgot, marked.pid, flush=True)
input()
"""


class Run:
    def __init__(self, held=0):
        self.id = str(uuid.uuid4())
        self.process = subprocess.Popen(
            [sys.executable, "-c", LEADER, self.id, str(held)],
            start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.pid = self.process.pid
        names = ("inside", "outside", "forgot", "marked")
        pids = map(int, self.process.stdout.readline().split())
        self.below = dict(zip(names, pids, strict=True))
        self.ticks = start_ticks(self.pid)

    def close(self):
        for pid in (self.pid, *self.below.values()):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        self.process.communicate()


@pytest.fixture(params=["/proc", "psutil"])
def run(request):
    if request.param == "psutil":
        request.getfixturevalue("no_proc")
    run = Run()
    yield run
    run.close()


def test_members_are_the_session_what_is_below_it_and_what_has_its_environment(run):
    everything = {run.pid, *run.below.values()}
    assert set(members(run.pid, run.id)) == everything
    assert set(members(run.pid, run.id, run.ticks)) == everything


def test_of_a_run_that_is_dead_its_session_and_its_environment_remain(run):
    run.process.kill()
    run.process.wait()
    assert set(members(run.pid, run.id, run.ticks)) == {run.below["inside"], run.below["marked"]}


def test_a_stranger_with_its_number_has_no_part_in_it(run):
    assert members(run.pid, "nobody", run.ticks - 1) == []
    assert members(run.pid, run.id, run.ticks - 1) == [run.below["marked"]]


def test_zombies_are_gone(run):
    os.kill(run.below["inside"], 9)
    wait_until(lambda: psutil.Process(run.below["inside"]).status() == psutil.STATUS_ZOMBIE)
    assert run.below["inside"] not in members(run.pid, run.id)


def test_all_that_is_left_is_killed(run):
    assert set(kill_all(run.pid, run.id, run.ticks)) == {run.pid, *run.below.values()}
    run.process.wait()
    wait_until(lambda: members(run.pid, run.id, run.ticks) == [])


def test_a_run_is_running_while_it_is_itself(run):
    assert is_running(run.pid, run.ticks, boot_id())
    assert not is_running(run.pid, run.ticks - 1, boot_id())
    assert not is_running(run.pid, run.ticks, "another boot")
    assert not is_running(None, None, boot_id())


def test_memory_of_all_below_a_run_counts(run):
    small, large = memory_of_runs({run.pid: run.ticks})[run.pid], 50_000
    big = Run(held=large * 1024)
    try:
        found = memory_of_runs({run.pid: run.ticks, big.pid: big.ticks})
        assert found[big.pid] - found[run.pid] == pytest.approx(large, rel=0.2)
        assert found[run.pid] == pytest.approx(small, rel=0.2)
    finally:
        big.close()


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), OSError(), SystemError()])
def test_what_cannot_be_looked_at_is_left_out(run, error, monkeypatch):
    """On macOS psutil sometimes raises what C code should not."""

    def refuse(_process):
        raise error

    for name in ("environ", "memory_info", "memory_full_info"):
        monkeypatch.setattr(psutil._psplatform.Process, name, refuse)
    assert run.pid in members(run.pid, run.id)
    assert memory_of_runs({run.pid: run.ticks}) == {run.pid: 0}

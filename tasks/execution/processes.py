"""Finds and signals all processes of a run, those that left its session (browsers) included.
psutil looks at them, so that the same code does it where there is no /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NamedTuple

import psutil

from tasks.runtime.machine import boot_id, has_proc, is_alive, look_at, ticks_of

MARK = "SPIDER_RUN_ID"
LATEST = sys.maxsize
ENDED = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
# What psutil raises of a process that goes away meanwhile, that isn't ours, or (on macOS, in its
# C code) that has no environment to show.
UNSEEN = (psutil.Error, OSError, SystemError)


class Living(NamedTuple):
    process: psutil.Process
    parent: int
    session: int


def is_running(pid: int | None, ticks: int | None, boot: str) -> bool:
    """The very process that claimed the run: not a stranger that got its number later."""
    if pid is None or boot != boot_id():
        return False
    return is_alive(pid, ticks)


def members(pid: int, run_id: str, ticks: int | None = None) -> list[int]:
    """Living processes of its session, those below it, and those anywhere that inherited its
    environment. With `ticks`, a stranger that got its number later has no part in it."""
    living = _living(since=ticks)
    parents = {number: each.parent for number, each in living.items()}
    is_free = not _is_strangers(pid, ticks)
    return [
        number
        for number, each in living.items()
        if (is_free and (each.session == pid or _ancestor(number, parents, {pid}) is not None))
        or _mark(each.process) == run_id
    ]


def _is_strangers(pid: int, ticks: int | None) -> bool:
    """The kernel gives a number away only when no session has it: one that a stranger leads is
    not the run's."""
    sight = look_at(pid)
    return sight is not None and None not in {ticks, sight.ticks} and sight.ticks != ticks


def _living(since: int | None) -> dict[int, Living]:
    """Those that started no sooner than a run, as all do that belong to it: of a busy machine's
    processes few are left to be looked at."""
    found = {}
    for number in psutil.pids():
        with contextlib.suppress(*UNSEEN):
            process = psutil.Process(number)
            if (ticks_of(process) or LATEST) < (since or 0) or number == os.getpid():
                continue
            if process.status() not in ENDED:
                found[number] = Living(process, process.ppid(), os.getsid(number))
    return found


def _mark(process: psutil.Process) -> str | None:
    with contextlib.suppress(*UNSEEN):
        return process.environ().get(MARK)
    return None


def signal_group(pid: int, number: signal.Signals) -> None:
    """A stopped process hears TERM only after CONT."""
    for each in (number, signal.SIGCONT):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, each)


def kill_all(pid: int, run_id: str, ticks: int | None = None) -> list[int]:
    """KILL to whatever is left; returns those that were."""
    left = members(pid, run_id, ticks)
    for number in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(number, signal.SIGKILL)
    return left


def memory_of_runs(starts: dict[int, int | None]) -> dict[int, int]:
    """Kilobytes by run (its pid, with its start), of all that it started: browsers leave its
    session, not its family. What a forked run shares with the launcher counts once: there."""
    pids = set(starts)
    found = dict.fromkeys(pids, 0)
    living = _living(since=min((ticks or 0 for ticks in starts.values()), default=0))
    parents = {number: each.parent for number, each in living.items()}
    for number, each in living.items():
        run = each.session if each.session in pids else _ancestor(number, parents, pids)
        if run is not None:
            found[run] += _own_kb(each.process)
    return found


def _ancestor(number: int, parents: dict[int, int], wanted: set[int]) -> int | None:
    while number and number not in wanted:
        number = parents.get(number, 0)
    return number or None


def _own_kb(process: psutil.Process) -> int:
    """What it shares with others counts in part; on macOS in full, where psutil may wait for ever
    to be told more (its issue 2885)."""
    with contextlib.suppress(*UNSEEN):
        if sys.platform == "linux" and has_proc():
            return int(process.memory_full_info().pss) // 1024
        return int(process.memory_info().rss) // 1024
    return 0

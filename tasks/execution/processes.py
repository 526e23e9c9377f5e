"""Finds and signals all processes of a run, those that left its session (browsers) included."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from tasks.runtime.files import boot_id, is_alive, stat_fields

MARK = b"SPIDER_RUN_ID="


def is_running(pid: int | None, ticks: int | None, boot: str) -> bool:
    """The very process that claimed the run: not a stranger that got its number later."""
    if pid is None or boot != boot_id():
        return False
    return is_alive(pid, ticks)


def members(pid: int, run_id: str) -> list[int]:
    """Living processes of its session, and those anywhere that inherited its environment."""
    mark = MARK + run_id.encode()
    found = []
    for number in _all_processes():
        fields = stat_fields(number)
        if fields is None or fields[0] in {"Z", "X"} or number == os.getpid():
            continue
        if int(fields[3]) == pid or mark in _environment(number):
            found.append(number)
    return found


def _all_processes() -> list[int]:
    if not Path("/proc/self/stat").exists():
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def signal_group(pid: int, number: signal.Signals) -> None:
    """A stopped process hears TERM only after CONT."""
    for each in (number, signal.SIGCONT):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, each)


def kill_all(pid: int, run_id: str) -> list[int]:
    """KILL to whatever is left; returns those that were."""
    left = members(pid, run_id)
    for number in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(number, signal.SIGKILL)
    return left


def memory_of_runs(pids: set[int]) -> dict[int, int]:
    """Kilobytes by run, of all that it started: browsers leave its session, not its family. What a
    forked run shares with the launcher counts once: there."""
    found = dict.fromkeys(pids, 0)
    parents, sessions = _families()
    for number in parents:
        run = sessions[number] if sessions[number] in pids else _ancestor(number, parents, pids)
        if run is not None:
            found[run] += _own_kb(number)
    return found


def _families() -> tuple[dict[int, int], dict[int, int]]:
    parents, sessions = {}, {}
    for number in _all_processes():
        fields = stat_fields(number)
        if fields is not None:
            parents[number], sessions[number] = int(fields[1]), int(fields[3])
    return parents, sessions


def _ancestor(number: int, parents: dict[int, int], wanted: set[int]) -> int | None:
    while number and number not in wanted:
        number = parents.get(number, 0)
    return number or None


def _own_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

"""What the system says of itself and of processes. On Linux that is read from /proc, which costs a
run's start next to nothing; elsewhere (macOS) psutil is asked, and imported only then."""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import psutil

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")  # a second
MOST_DESCRIPTORS = 1024
_BOOT_SESSION = b"kern.bootsessionuuid"
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Sight(NamedTuple):
    """A process that is there. A zombie has ended: only its parent has yet to notice."""

    has_ended: bool
    is_suspended: bool
    ticks: int | None
    """When it started: tells it from a stranger that got the same number later."""


def has_proc() -> bool:
    return (PROC / "self/stat").exists()


def look_at(pid: int) -> Sight | None:
    return _by_proc(pid) if has_proc() else _by_psutil(pid)


def is_alive(pid: int, ticks: int | None) -> bool:
    sight = look_at(pid)
    return sight is not None and not sight.has_ended and ticks in {None, sight.ticks}


def start_ticks(pid: int) -> int | None:
    sight = look_at(pid)
    return sight.ticks if sight else None


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Differs after each start of the machine. Empty where nothing tells it: the time of the start
    is no name for it, since it moves with the clock, and a process's own start has to do."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _boot_session(ctypes.CDLL(None))


def children() -> list[int]:
    """Of this process: of all its threads, and those that it adopted."""
    if not has_proc():
        return descendants()
    found: list[int] = []
    for path in (PROC / "self/task").glob("*/children"):
        try:
            found += map(int, path.read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def descendants() -> list[int]:
    """Of this process, its children's children too: nobody adopts those that lose their parent."""
    import psutil  # noqa: PLC0415 - where there is no /proc

    try:
        return [each.pid for each in psutil.Process().children(recursive=True)]
    except (psutil.Error, OSError):
        return []


def resident_kb() -> int:
    try:
        fields = (PROC / "self/statm").read_text(encoding="ascii").split()
    except OSError:
        import psutil  # noqa: PLC0415 - where there is no /proc

        return int(psutil.Process().memory_info().rss) // 1024
    return int(fields[1]) * _PAGE_KB


def peak_kb(usage: resource.struct_rusage) -> int:
    """The most memory that a process ever had; macOS counts bytes."""
    return int(usage.ru_maxrss) // (1024 if sys.platform == "darwin" else 1)


def count_threads() -> int:
    """Of this process, those of C code too where the system tells."""
    try:
        return len(os.listdir(PROC / "self/task"))  # noqa: PTH208 - /proc has no entries to stat
    except OSError:
        return threading.active_count()


def connections() -> list[int]:
    """Open sockets of this process, and what waits for events on such."""
    return [number for number in _descriptors() if number > 2 and _is_connection(number)]


def _descriptors() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - nor has /dev/fd
    except OSError:
        return list(range(MOST_DESCRIPTORS))


def _is_connection(number: int) -> bool:
    try:
        is_socket = stat.S_ISSOCK(os.fstat(number).st_mode)
        return is_socket or "eventpoll" in os.readlink(PROC / f"self/fd/{number}")  # noqa: PTH115
    except OSError:  # closed, or there is no /proc
        return False


def _by_proc(pid: int) -> Sight | None:
    try:
        raw = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = raw.rpartition(")")[2].split()
    return Sight(fields[0] in {"Z", "X"}, fields[0] in {"T", "t"}, int(fields[19]))


def _by_psutil(pid: int) -> Sight | None:
    import psutil  # noqa: PLC0415 - where there is no /proc

    try:
        process = psutil.Process(pid)
        status = process.status()
    except psutil.ZombieProcess:
        return Sight(True, False, None)
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return Sight(False, False, None)
    has_ended = status in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    is_suspended = status in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    return Sight(has_ended, is_suspended, ticks_of(process))


def ticks_of(process: psutil.Process) -> int | None:
    """As the kernel noted it. create_time() is moved along when somebody sets the clock: after
    that a process would no longer be itself."""
    started = process._ident[1]  # type: ignore[attr-defined]
    return None if started is None else round(started * TICKS)


def _boot_session(library: Any) -> str:
    """macOS names each of its starts."""
    value = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(value))
    try:
        failed = library.sysctlbyname(_BOOT_SESSION, value, ctypes.byref(size), None, 0)
    except AttributeError:
        return ""
    return "" if failed else value.value.decode("ascii", "replace")

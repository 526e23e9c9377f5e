from __future__ import annotations

import atexit
import gc
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from .addresses import Rules
from .context import RunContext
from .family import adopt_orphans, end_children
from .files import keep_room
from .logloss import notice_lost_lines
from .machine import PROC
from .order import Limits, Order, claim, forget
from .redact import hider

if TYPE_CHECKING:
    from .project import Project

REFUSED = 75  # the order was revoked, replaced or taken by another process
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)


def stand_alone() -> None:
    """Own session and group, so that the whole run can be signalled."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    adopt_orphans()


def write_to_log(folder: Path) -> None:
    """From here on all that it says goes to run.log."""
    log = os.open(folder / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _line_writer(1)
    sys.stderr = _line_writer(2)


def _line_writer(descriptor: int) -> object:
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


class _Discreet:
    """Lets no secret of the run into its log, whether logged or printed."""

    def __init__(self, stream: TextIO, hide: Callable[[str], str]) -> None:
        self._stream, self._hide = stream, hide

    def write(self, text: str) -> int:
        self._stream.write(self._hide(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_quiet_about(secrets: Sequence[Any]) -> None:
    hide = hider(secrets)
    sys.stdout = cast("TextIO", _Discreet(sys.stdout, hide))
    sys.stderr = cast("TextIO", _Discreet(sys.stderr, hide))


def reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


def apply_limits(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.open_files:
        _lower(resource.RLIMIT_NOFILE, limits.open_files)
    if limits.cpu_seconds:
        _lower(resource.RLIMIT_CPU, limits.cpu_seconds)


def _lower(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))


def prepare(folder: Path, order: Order) -> None:
    forget(folder)
    keep_room(folder)
    notice_lost_lines()
    apply_limits(order.limits)


def perform(folder: Path, token: str, load: Callable[[], Project]) -> int:
    """Run the order of this folder, if it still is this process's to run."""
    order = Order.read(folder)
    if order is None or order.token != token or not claim(folder, token):
        sys.stderr.write("This order was withdrawn or is being run by another process.\n")
        return REFUSED
    prepare(folder, order)
    if order.secrets:
        keep_quiet_about(order.secret_values())
    os.environ.update(order.env)
    _name_process(order.spider or order.kind)
    rules = Rules.of(order.allowed_networks, order.allowed_urls)
    context = RunContext(folder, order, rules)
    if order.kind == "pipeline":
        from .chain import run_chain  # noqa: PLC0415 - the claim comes before the slow imports

        return run_chain(context)
    from .crawl import crawl, refuse  # noqa: PLC0415 - the claim comes before the slow imports

    try:
        project = load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the project's settings may do anything
        return refuse(context, "spider_import", error, traceback.format_exc())
    context.versions = project.versions
    return crawl(context, project)


def run_and_exit(folder: Path, token: str, load: Callable[[], Project]) -> None:
    gc.enable()
    code = 1
    try:
        code = perform(folder, token, load)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:  # noqa: BLE001 - the last place that can say what happened
        traceback.print_exc()
    finally:
        leave(code)


def leave(code: int) -> None:
    """End as an ordinary exit does (threads joined, files flushed), without unwinding the parent's
    frames that a forked process still carries."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        end_children()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _name_process(spider: str) -> None:
    try:
        (PROC / "self/comm").write_text(f"spider:{spider}"[:15], encoding="utf-8")
    except OSError:
        return

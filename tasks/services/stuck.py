"""Why the scheduler is silent, where it can be seen from here: suspended, or nobody can write."""

from __future__ import annotations

import shutil
import socket
import sqlite3

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from tasks.models import SchedulerProcess
from tasks.runtime.machine import look_at

PATIENCE = 0.3
LEAST_BYTES = 1024 * 1024


def suspended_schedulers() -> list[SchedulerProcess]:
    """Stopped by a signal: alive, and holding on to whatever they hold."""
    here = SchedulerProcess.objects.filter(host=socket.gethostname())
    return [each for each in here if (sight := look_at(each.pid)) and sight.is_suspended]


def is_write_locked() -> bool:
    """Whether somebody keeps SQLite's one write lock. Waits a moment for those who are quick."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return False
    try:
        probe = sqlite3.connect(
            connection.settings_dict["NAME"], timeout=PATIENCE, isolation_level=None, uri=True
        )
        try:
            probe.execute("BEGIN IMMEDIATE")
            probe.execute("ROLLBACK")
        finally:
            probe.close()
    except sqlite3.OperationalError:
        return True
    return False


def is_disk_full() -> bool:
    """Where the database is a file on it: then nobody can write, not even the heartbeat."""
    if connection.vendor != "sqlite":
        return False
    try:
        return shutil.disk_usage(settings.DATA_DIR).free < LEAST_BYTES
    except OSError:
        return False


def trouble(*, locked: bool) -> str:
    """In words, with what to do; for when the heartbeat is overdue."""
    if suspended := suspended_schedulers():
        return _suspended(suspended[0].pid, locked=locked)
    if locked:
        return _("Another program keeps the database locked, so nobody can save anything.")
    if is_disk_full():
        return _("The disk is full, so nobody can save anything. All goes on when it has room.")
    return ""


def _suspended(pid: int, *, locked: bool) -> str:
    text = (
        _(
            "The scheduler's process %(pid)d is suspended and keeps the database locked, so"
            " nobody can save anything. “kill -CONT %(pid)d” on its computer lets it go on,"
            " “kill -KILL %(pid)d” ends it."
        )
        if locked
        else _(
            "The scheduler's process %(pid)d is suspended. “kill -CONT %(pid)d” on its computer"
            " lets it go on, “kill -KILL %(pid)d” ends it."
        )
    )
    return text % {"pid": pid}

"""Watches a run's row until it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tasks.management.verbs.base import Refused
from tasks.management.verbs.shapes import figure_words
from tasks.management.verbs.terminal import Terminal, one_line
from tasks.models import Run
from tasks.services.status import scheduler_processes

EVERY = 0.3  # seconds
# A restart of the scheduler is shorter; a run that waits longer than this waits for nobody.
LEFT_ALONE = 30.0
PAGE_WIDTH = 24


def wait_for_end(terminal: Terminal, run: Run, *, timeout: float | None) -> Run:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    hidden = terminal.as_json or not terminal.errors.is_terminal
    with Progress(*columns, console=terminal.errors, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=_usual_items(run))
        current = run
        said = ""
        for current in _changes(run, timeout):
            if hidden and not terminal.as_json and current.status != said:
                terminal.line(str(current.get_status_display()))
            said = current.status
            bar.update(task, description=_words(current), completed=current.items)
    return current


def _changes(run: Run, timeout: float | None) -> Iterator[Run]:
    started = seen = time.monotonic()
    while True:
        current, alive = _look(run)
        if current is not None:
            yield current
            if current.is_ended:
                return
        now = time.monotonic()
        if timeout is not None and now - started > timeout:
            said = {"run": run.pk, "s": timeout}
            raise Refused(_("Run %(run)s has not ended in %(s)d s; it goes on.") % said)
        if alive:
            seen = now
        elif now - seen > LEFT_ALONE:
            raise Refused(_("The scheduler went away; run %s goes on without it.") % run.pk)
        time.sleep(EVERY)


def _look(run: Run) -> tuple[Run | None, bool]:
    try:
        return Run.objects.get(pk=run.pk), bool(scheduler_processes())
    except Run.DoesNotExist:
        raise Refused(_("There is no such run.")) from None
    except (OperationalError, InterfaceError):  # the database restarts
        connection.close()
        return None, False


def _usual_items(run: Run) -> int | None:
    """A bar needs an end: the items of the last good run, where there is one."""
    good = Run.objects.filter(task_key=run.task_key, status=Run.Status.SUCCEEDED)
    last = good.newest_first().values_list("items", flat=True).first()
    return last or None


def _words(run: Run) -> str:
    if run.status != Run.Status.RUNNING:
        return str(run.get_status_display())
    page = one_line(run.progress.get("current_url") or run.progress.get("url") or "")
    return f"{figure_words(run)} {page.partition('://')[2][:PAGE_WIDTH]}".strip()

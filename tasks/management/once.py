"""Runs tasks to their end without a scheduler: for CronJobs and one-off commands."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from tasks.exchange.reading import format_of
from tasks.exchange.records import Record
from tasks.execution.worker import Worker
from tasks.management.verbs.base import Refused
from tasks.models import Run, Task
from tasks.services import import_tasks, run_task_now
from tasks.services.actors import Actor
from tasks.services.exchange import read_file, records_of

EVERY = 0.2  # seconds

Report = Callable[[Run], None]


def run_pipelines(path: str, *, name: str | None, actor: Actor, report: Report) -> list[Run]:
    """Imports the pipelines of the file and runs them all, or the named one, once."""
    text, file_format = read_file(Path(path)), format_of(path)
    chosen = choose(records_of(text, file_format=file_format), name, path)
    import_tasks(text=text, file_format=file_format, actor=actor)
    return run_to_end([record.task_id for record in chosen], actor=actor, report=report)


def choose(records: Sequence[Record], name: str | None, path: str) -> list[Record]:
    pipelines = [each for each in records if each.fields.get("kind") == Task.Kind.PIPELINE]
    if not pipelines:
        raise Refused(_("%s has no pipelines.") % path)
    chosen = [each for each in pipelines if name in {None, each.fields["name"], each.task_id}]
    if not chosen:
        known = ", ".join(str(each.fields["name"]) for each in pipelines)
        values = {"name": str(name)[:100], "file": path, "known": known}
        raise Refused(_("%(file)s has no pipeline “%(name)s”. It has: %(known)s.") % values)
    return chosen


def run_to_end(task_ids: Sequence[str], *, actor: Actor, report: Report) -> list[Run]:
    """Their runs, ended. SIGTERM and Ctrl-C end what runs."""
    ids = [run_task_now(task_id=each, actor=actor).pk for each in task_ids]
    worker = Worker(socket.gethostname(), settings.SCHEDULER_MAX_WORKERS, only=frozenset(ids))
    with _interruption() as interrupted:
        worker.start()
        try:
            _wait(ids, interrupted, report)
        finally:
            worker.stop(stop_runs=True)
    ended = {run.pk: run for run in Run.objects.filter(pk__in=ids)}
    return [ended[pk] for pk in ids]


def _wait(ids: Sequence[UUID], interrupted: threading.Event, report: Report) -> None:
    reported: set[UUID] = set()
    while len(reported) < len(ids) and not interrupted.is_set():
        for run in Run.objects.ended().filter(pk__in=set(ids) - reported):
            reported.add(run.pk)
            report(run)
        interrupted.wait(EVERY)


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    event = threading.Event()
    before = {
        number: signal.signal(number, lambda *_args: event.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

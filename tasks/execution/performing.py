"""Performs the kinds of tasks that need our tables: export, analysis, clean-up."""

from __future__ import annotations

from pathlib import Path

from tasks.execution.cleaning import clean_by_arguments
from tasks.execution.folder import run_folder
from tasks.execution.items import export_items, iterate_items
from tasks.handlers import handler_of
from tasks.handlers.base import Job, JobFailed, Services
from tasks.models import Run
from tasks.runtime.jobs import JobRun, log_to_the_run
from tasks.runtime.order import Order

MAX_RUNS = 500


def perform(folder: Path, order: Order) -> int:
    log_to_the_run()
    with JobRun(folder) as run:
        job = Job(arguments=order.arguments, folder=folder, emit=run.emit, services=services())
        try:
            handler_of(order.kind).perform(job)
        except JobFailed as error:
            run.fail("JobFailed", str(error), error.said)
    return int(run.error is not None)


def services() -> Services:
    return Services(
        good_runs=good_runs,
        items_of=lambda run: iterate_items(run_folder(run)),
        export=lambda run, form: export_items(run_folder(run), form),  # type: ignore[arg-type]
        clean_up=clean_by_arguments,
    )


def good_runs(task_id: str, count: int) -> list[Run]:
    rows = (
        Run.objects.filter(task__task_id=task_id, status=Run.Status.SUCCEEDED, items__gt=0)
        .exclude(trigger=Run.Trigger.TEST)
        .newest_first()[:MAX_RUNS]
    )
    with_items = (run for run in rows if (run_folder(run) / "items.jsonl").is_file())
    return [run for run, _ in zip(with_items, range(count), strict=False)]

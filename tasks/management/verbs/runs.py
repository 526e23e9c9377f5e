from __future__ import annotations

from argparse import ArgumentParser, Namespace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.management.verbs import parsing, watching
from tasks.management.verbs.base import DONE, REFUSED, Refused, Verb, whole_number
from tasks.management.verbs.shapes import duration_words, figure_words, run_shape
from tasks.management.verbs.terminal import Terminal, moment
from tasks.models import Run
from tasks.services import cancel_run, run_task_now
from tasks.services.actors import command_line
from tasks.services.errors import Conflict
from tasks.services.explaining import reason_line
from tasks.services.runs import get_run
from tasks.services.status import scheduler_processes
from tasks.services.tasks import get_task

NO_SCHEDULER = gettext_lazy(
    "No scheduler is running, so nothing starts this run. Start one with “manage.py runscheduler”."
)


def run_now(terminal: Terminal, options: Namespace) -> int:
    arguments = parsing.pairs("--arg", options.arg)
    alive = bool(scheduler_processes())
    if options.wait and not alive:
        get_task(options.task_id)
        raise Refused(str(NO_SCHEDULER))
    run = _start(options.task_id, arguments, ignore_cache=options.ignore_cache)
    if not options.wait:
        if not alive:
            terminal.warn(str(NO_SCHEDULER))
        terminal.show(run_shape(run), _("Run %s waits for a free place.") % run.pk)
        return DONE
    return _watch(terminal, run, options.timeout)


def _start(task_id: str, arguments: dict[str, object], *, ignore_cache: bool) -> Run:
    task = get_task(task_id)
    given = {**task.arguments, **arguments} if arguments else None
    try:
        return run_task_now(
            task_id=task_id, arguments=given, ignore_cache=ignore_cache, actor=command_line()
        )
    except Conflict as error:
        # Not inside of an f-string: makemessages doesn't look there.
        run = _("Run: %s") % error.run_id
        raise Refused(f"{error} {run}") from error


def _watch(terminal: Terminal, run: Run, timeout: int | None) -> int:
    if not terminal.as_json:
        terminal.line(_("Run %s") % run.pk)
    ended = watching.wait_for_end(terminal, run, timeout=timeout)
    terminal.show(run_shape(ended), summary(ended))
    return DONE if ended.status == Run.Status.SUCCEEDED else REFUSED


def summary(run: Run) -> str:
    duration = run.duration()
    took = duration_words(duration.total_seconds() if duration else None)
    figures = ", ".join(filter(None, [figure_words(run), took]))
    text = f"{run.get_status_display()}: {figures}."
    return f"{text} {reason_line(run)}".strip()


def _run_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        type=parsing.pair,
        metavar="K=V",
        help="instead of the task's own, for this run",
    )
    parser.add_argument(
        "--ignore-cache", action="store_true", help="read each page anew, if the task keeps pages"
    )
    parser.add_argument(
        "--wait", action="store_true", help="until it ends; exit 1 unless it succeeded"
    )
    parser.add_argument(
        "--timeout",
        type=whole_number(1, 10_000_000),
        metavar="SECONDS",
        help="with --wait: stop waiting after this long (the run goes on)",
    )


def cancel(terminal: Terminal, options: Namespace) -> int:
    run = cancel_run(run_id=options.run_id, actor=command_line())
    ended = run.status == Run.Status.CANCELLED
    sentence = _("Run %s is stopped.") if ended else _("Run %s is asked to stop.")
    terminal.show(run_shape(run), sentence % run.pk)
    return DONE


def runs(terminal: Terminal, options: Namespace) -> int:
    found = Run.objects.newest_first()
    if options.task_id is not None:
        found = found.filter(task_key=options.task_id)
        if not found.exists():
            get_task(options.task_id)
    if options.status:
        found = found.filter(status__in=options.status)
    rows = list(found[: options.limit])
    if terminal.as_json:
        terminal.json([run_shape(run) for run in rows])
    elif rows:
        columns = (
            _("run"), _("task"), _("when"), _("outcome"), _("reason"), _("took"), _("items"),
            _("pages"), _("errors"),
        )  # fmt: skip
        terminal.table(columns, (_row(run) for run in rows))
    else:
        terminal.line(_("No runs."))
    return DONE


def _row(run: Run) -> tuple[object, ...]:
    duration = run.duration()
    return (
        run.pk,
        run.task_key,
        _when(run),
        run.status,
        run.reason,
        duration_words(duration.total_seconds() if duration else None),
        run.items,
        run.pages,
        run.errors,
    )


def _when(run: Run) -> str:
    """One row may stand for many slots that were missed."""
    if run.scheduled_until is None:
        return moment(run.at)
    words = _("%(first)s to %(last)s (%(n)d runs)")
    last = moment(run.scheduled_until)
    return words % {"first": moment(run.at), "last": last, "n": run.slots}


def _runs_arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser, nargs="?")
    parser.add_argument(
        "--status", action="append", choices=Run.Status.values, help="may be given several times"
    )
    parser.add_argument("--limit", type=whole_number(1, 10_000), default=20, metavar="N")


def show_run(terminal: Terminal, options: Namespace) -> int:
    run = get_run(options.run_id)
    terminal.show(run_shape(run), f"{run.task_name}, {_when(run)}. {summary(run)}")
    return DONE


VERBS = (
    Verb(
        name="run-now",
        help=gettext_lazy("Run a task now."),
        run=run_now,
        arguments=_run_arguments,
    ),
    Verb(
        name="cancel",
        help=gettext_lazy("Stop a run."),
        run=cancel,
        arguments=parsing.run_id,
    ),
    Verb(
        name="runs",
        help=gettext_lazy("List runs, newest first."),
        run=runs,
        arguments=_runs_arguments,
    ),
    Verb(
        name="run",
        help=gettext_lazy("Show one run."),
        run=show_run,
        arguments=parsing.run_id,
    ),
)

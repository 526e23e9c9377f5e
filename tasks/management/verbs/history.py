from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tasks.management.verbs import parsing
from tasks.management.verbs.base import DONE, REFUSED, Refused, Verb
from tasks.management.verbs.shapes import run_shape
from tasks.management.verbs.terminal import Terminal, moment
from tasks.models import Run
from tasks.services.actors import command_line
from tasks.services.backfill import backfill, count_backfill
from tasks.services.status import scheduler_processes

EVERY = 0.5  # seconds
TINY = timedelta(microseconds=1)


def run(terminal: Terminal, options: Namespace) -> int:
    zone = parsing.zone(options.timezone)
    start = parsing.instant(options.start, zone, "FROM")
    end = _end(options.end, zone)
    if options.dry_run:
        count = count_backfill(task_id=options.task_id, start=start, end=end)
        words = ngettext("Would queue %d run.", "Would queue %d runs.", count) % count
        terminal.show({"runs": count}, words)
        return DONE
    if options.wait and not scheduler_processes():
        raise Refused(_("No scheduler is running, so nothing would start these runs."))
    runs = backfill(task_id=options.task_id, start=start, end=end, actor=command_line())
    if options.wait:
        _wait(terminal, runs)
        runs = list(Run.objects.filter(pk__in=[each.pk for each in runs]).order_by("for_slot"))
    _show(terminal, runs)
    good = all(each.status == Run.Status.SUCCEEDED for each in runs)
    return DONE if good or not options.wait else REFUSED


def _wait(terminal: Terminal, runs: Sequence[Run]) -> None:
    ids = [each.pk for each in runs]
    with terminal.progress(_("Running"), total=len(ids)) as advance:
        while left := Run.objects.active().filter(pk__in=ids).count():
            advance(len(ids) - left, len(ids))
            if not scheduler_processes():
                raise Refused(_still_wait(left))
            time.sleep(EVERY)


def _still_wait(count: int) -> str:
    return (
        ngettext(
            "The scheduler went away; %d run still waits.",
            "The scheduler went away; %d runs still wait.",
            count,
        )
        % count
    )


def _show(terminal: Terminal, runs: Sequence[Run]) -> None:
    if terminal.as_json:
        terminal.json([run_shape(each) for each in runs])
        return
    columns = (_("run"), _("for"), _("outcome"))
    terminal.table(columns, ((each.pk, moment(each.for_slot), each.status) for each in runs))
    terminal.line(ngettext("Queued %d run.", "Queued %d runs.", len(runs)) % len(runs))


def _end(text: str, zone: ZoneInfo) -> datetime:
    """A day means all of it, as far as it is over."""
    found = parsing.instant(text, zone, "TO")
    is_day = len(text) == len("2026-04-02") and parse_date(text) is not None
    if not is_day:
        return found
    # Of a day that goes on, what is over; one that has not begun is refused as it stands.
    return max(found, min(found + timedelta(days=1) - TINY, timezone.now()))


def _arguments(parser: ArgumentParser) -> None:
    parsing.task_id(parser)
    parser.add_argument("start", metavar="FROM", help="a day, or a moment such as 2026-04-02 09:30")
    parser.add_argument("end", metavar="TO", help="a day (all of it), or a moment")
    parser.add_argument("--timezone", metavar="TZ", help="of FROM and TO")
    parser.add_argument("--dry-run", action="store_true", help="only say how many")
    parser.add_argument(
        "--wait", action="store_true", help="until all have ended; exit 1 unless all succeeded"
    )


VERBS = (
    Verb(
        name="backfill",
        help=gettext_lazy("Run a task for the slots of a past time."),
        run=run,
        arguments=_arguments,
    ),
)

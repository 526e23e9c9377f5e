from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.execution.exports import exported_file
from tasks.models import Run
from tasks.outcomes import Explanation
from tasks.outcomes.durations import duration
from tasks.services.baseline import Baseline, baseline_of
from tasks.services.explaining import explain_run
from tasks.services.status import starts_lack
from tasks.web import charts, runs, states, when
from tasks.web.alert_lines import AlertLine, alert_lines
from tasks.web.compare import Compared, compare
from tasks.web.failing import FailingPage, failing_page
from tasks.web.item_view import ItemTable, first_items
from tasks.web.progress import percent_of, time_left
from tasks.web.states import Look
from tasks.web.verdict import started_sentence, verdict

# From so many times on nobody thinks in per cent.
MANY = 3
ENDED_WELL = frozenset({Run.Status.SUCCEEDED, Run.Status.SUSPICIOUS})
NOT_RUN = frozenset({Run.Status.MISSED, Run.Status.SKIPPED})


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    value: str
    note: str
    is_bad: bool = False
    to_log: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    state: str
    icon: str
    word: str
    when: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class RunPage:
    look: Look
    verdict: str
    sub: str
    help: Explanation | None
    failing: FailingPage | None
    tiles: list[Tile]
    steps: list[Step]
    percent: int | None
    left: str
    bar: SafeString
    bar_words: str
    happened: bool
    is_test: bool
    arguments: list[tuple[str, Any]]
    stats: list[tuple[str, Any]]
    items: ItemTable
    compared: Compared | None
    # Of an export that wrote one.
    file: str
    alerts: list[AlertLine]

    downloads = (("csv", "CSV"), ("xlsx", "Excel"), ("json", "JSON"))


def read_run_page(run: Run, now: datetime, zone: tzinfo) -> RunPage:
    history = _history(run)
    usual = baseline_of(run)
    happened = run.status not in NOT_RUN
    taken = runs.seconds_taken(run, now) or 0.0
    running = run.status in {Run.Status.STARTING, Run.Status.RUNNING}
    slots = runs.slots(history, when.Clock(now, zone))
    # A good end explains itself.
    trouble = None if run.status == Run.Status.SUCCEEDED else explain_run(run, zone)
    return RunPage(
        look=runs.look(run),
        verdict=verdict(run, now),
        sub=started_sentence(run, now, zone),
        help=trouble,
        failing=failing_page(run) if trouble and happened else None,
        tiles=_tiles(run, usual, taken) if happened and run.started_at else [],
        steps=_steps(run, now, zone) if happened else [],
        percent=percent_of(run, usual, taken) if running else None,
        left=time_left(usual, taken) if running else "",
        bar=charts.status_bar(slots),
        bar_words=states.summary(slot.look for slot in slots),
        happened=happened,
        is_test=run.trigger == Run.Trigger.TEST,
        arguments=[
            *((name, _written(value)) for name, value in run.arguments.items()),
            *((name, "••••••") for name in run.secrets),
        ],
        stats=sorted(run.stats.items()),
        items=first_items(run) if happened else ItemTable(),
        compared=compare(run, now, zone) if run.status in ENDED_WELL else None,
        file=file.name if (file := exported_file(run)) else "",
        alerts=alert_lines(run, now, zone),
    )


def _written(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _history(run: Run) -> list[runs.PastRun]:
    return runs.last_runs([run.task_id])[run.task_id] if run.task_id else []


def _tiles(run: Run, usual: Baseline | None, taken: float) -> list[Tile]:
    ended = run.is_ended
    items, seconds = (usual.items, usual.seconds) if usual else (None, None)
    return [
        Tile(
            _("Items"),
            _n(run.items),
            _compared(run.items, items, ended=ended),
        ),
        Tile(_("Pages read"), _n(run.pages), _pace(run, taken)),
        Tile(
            _("Errors"),
            _n(run.errors),
            "" if run.errors else _("none"),
            is_bad=bool(run.errors),
            to_log=bool(run.errors),
        ),
        Tile(
            _("Time taken"),
            duration(taken),
            _compared(taken, seconds, ended=ended, show=False)
            if ended
            else time_left(usual, taken),
        ),
    ]


def _n(value: int) -> str:
    return number_format(value, force_grouping=True)


def _compared(value: float, usual: float | None, *, ended: bool, show: bool = True) -> str:
    """How a figure differs from the usual one, in words."""
    if usual is None or usual < 1:
        return _("nothing to compare with yet")
    about = f" ({_n(round(usual))})" if show else ""
    if not ended:
        return _("about %(n)s is usual") % {"n": _n(round(usual))}
    if value == 0:
        return _("about %(n)s is usual") % {"n": _n(round(usual))}
    return _difference(value / usual) + about


def _difference(share: float) -> str:
    percent = round(100 * (share - 1))
    if abs(percent) <= 10:
        return _("about as usual")
    if share >= MANY:
        return _("%(n)s times the usual") % {"n": _n(round(share))}
    if percent > 0:
        return _("%(n)s%% more than usual") % {"n": _n(percent)}
    return _("%(n)s%% less than usual") % {"n": -percent}


def _pace(run: Run, taken: float) -> str:
    if not run.pages or taken < 1:
        return ""
    return _("%(n)s per minute") % {"n": _n(max(1, round(run.pages * 60 / taken)))}


def _steps(run: Run, now: datetime, zone: tzinfo) -> list[Step]:
    return [
        Step("done", "check", _("Planned"), when.absolute(run.at, now, zone)),
        _start_step(run, now, zone),
        _read_step(run),
        _end_step(run, zone),
    ]


def _start_step(run: Run, now: datetime, zone: tzinfo) -> Step:
    if run.started_at:
        return Step("done", "check", _("Started"), when.clock_time(run.started_at, zone))
    if run.is_ended:
        return Step("todo", "", _("Started"), _("never"))
    if run.status == Run.Status.STARTING:
        return Step("now", "spin", _("Starting"), "", current=True)
    if run.not_before and run.not_before > now:
        at = _("until %(time)s") % {"time": when.absolute(run.not_before, now, zone)}
        return Step("now", "clock", _("Waiting"), at, current=True)
    lacking = {"scheduler": _("until the scheduler runs"), "disk": _("for room on the disk")}
    what = lacking.get(starts_lack(), _("for a free place"))
    return Step("now", "clock", _("Waiting"), what, current=True)


def _read_step(run: Run) -> Step:
    pages = ngettext("%(n)s page", "%(n)s pages", run.pages) % {"n": _n(run.pages)}
    if run.is_ended:
        return Step(
            "done" if run.pages else "todo", "check" if run.pages else "", _("Reading pages"), pages
        )
    if run.status == Run.Status.RUNNING:
        so_far = _("%(n)s so far") % {"n": _n(run.pages)}
        return Step("now", "spin", _("Reading pages"), so_far, current=True)
    return Step("todo", "", _("Reading pages"), _("Next"))


def _end_step(run: Run, zone: tzinfo) -> Step:
    if not run.is_ended:
        return Step("todo", "", _("Finished"), "")
    look = runs.look(run)
    state = "done" if look is states.FINISHED else look.key
    ended = when.clock_time(run.finished_at, zone) if run.finished_at else ""
    return Step(state, look.icon, str(look.word), ended)

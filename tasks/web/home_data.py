from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Count
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tasks.models import Hold, Run, Schedule, Task
from tasks.services.baseline import Baseline
from tasks.services.explaining import reason_line
from tasks.services.watch import NeverRuns, never_running, schedules_that_are_on
from tasks.web import attention, charts, plan, runs, week, when
from tasks.web.alert_lines import given_up
from tasks.web.charts import Block
from tasks.web.progress import Progress, progress_of
from tasks.web.scheduler import SchedulerState, scheduler_state
from tasks.web.states import Look

DAY = timedelta(days=1)
# A home page that lists everything helps nobody: the rest is on the page of tasks.
MOST = 12
# Closer planned runs are one band in the picture.
BLOCK = timedelta(minutes=5)
MOST_BLOCKS = 600
# Minutes from now: an earlier word would run into "Now", and "Midnight" be cut at the other end.
LABELLED = range(190, 1340)


@dataclass(frozen=True, slots=True)
class Trouble:
    run: Run
    look: Look
    why: str
    at: str
    can_repeat: bool


@dataclass(frozen=True, slots=True)
class Coming:
    """A task with its schedules that are on, and when it starts next."""

    task: Task
    schedules: Sequence[Schedule]
    at: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    task: Task
    track: SafeString
    next_relative: str
    next_absolute: str
    iso: str
    count: int


class Named(NamedTuple):
    """All that is shown of most tasks."""

    pk: int
    name: str


@dataclass(frozen=True, slots=True)
class Bar:
    task: Named
    bar: SafeString


@dataclass(frozen=True, slots=True)
class Home:
    scheduler: SchedulerState
    attention: int
    troubled: int
    troubles: list[Trouble]
    never: list[NeverRuns]
    running: list[Progress]
    running_count: int
    finished: int
    planned: int
    next_name: str
    next_relative: str
    hold_until: str
    lanes: list[Lane]
    more_lanes: int
    scale: SafeString
    bars: list[Bar]
    more_tasks: int
    week: week.Week
    tasks: int
    alerts_lost: str

    @property
    def shown(self) -> int:
        return len(self.troubles) + len(self.never)


def read_home(now: datetime, zone: tzinfo) -> Home:
    tasks = [Named(*row) for row in Task.objects.order_by("name").values_list("pk", "name")]
    recent = runs.recent(task.pk for task in tasks)
    usual = {pk: each.usual for pk, each in recent.items()}
    schedules = list(schedules_that_are_on())
    coming = _coming(schedules, now)
    first = coming[0] if coming else None
    active = list(Run.objects.active().select_related("task").order_by("-started_at", "queued_at"))
    finished, planned = _last_day(now)
    shown = _busiest(tasks, recent)
    history = runs.last_runs(task.pk for task in shown)
    clock = when.Clock(now, zone)
    scheduler = scheduler_state(now)
    never = never_running(now=now, schedules=schedules)
    troubled = attention.troubled()
    return Home(
        scheduler=scheduler,
        attention=len(troubled) + len(never),
        troubled=len(troubled),
        never=never[:MOST],
        troubles=[_trouble(run, now, zone) for run in attention.worst_of(troubled)],
        running=[progress_of(run, usual.get(run.task_id or 0), now) for run in active[:MOST]],
        running_count=sum(run.status != Run.Status.QUEUED for run in active),
        finished=finished,
        planned=planned,
        next_name=first.task.name if first else "",
        next_relative=when.relative(first.at, now) if first else "",
        hold_until=_hold_until(scheduler.hold, now, zone),
        lanes=[_lane(each, usual[each.task.pk], now, zone) for each in coming[:MOST]],
        more_lanes=max(0, len(coming) - MOST),
        scale=charts.lane_scale([each for each in _ticks(now, zone) if each[0] in LABELLED]),
        bars=[Bar(task, charts.status_bar(runs.slots(history[task.pk], clock))) for task in shown],
        more_tasks=len(tasks) - len(shown),
        week=week.read_week(schedules, usual, now, zone),
        tasks=len(tasks),
        alerts_lost=given_up(now),
    )


def _hold_until(hold: Hold | None, now: datetime, zone: tzinfo) -> str:
    if hold is None:
        return ""
    if hold.ends_at is None:
        return _("until somebody ends it")
    return _("until %(moment)s") % {"moment": when.absolute(hold.ends_at, now, zone)}


def _coming(schedules: Sequence[Schedule], now: datetime) -> list[Coming]:
    """The tasks with planned runs in the next day, the soonest first."""
    of_task: dict[int, list[Schedule]] = defaultdict(list)
    for schedule in schedules:
        of_task[schedule.task_id].append(schedule)
    firsts = [(several, plan.next_of(several, now)) for several in of_task.values()]
    found = [
        Coming(several[0].task, several, first)
        for several, first in firsts
        if first and first <= now + DAY
    ]
    return sorted(found, key=lambda each: each.at)


def _ticks(now: datetime, zone: tzinfo) -> list[tuple[int, str]]:
    """Every third hour of the wall clock, in minutes from now."""
    ticks = []
    for hour in range(1, 25):
        moment = (now + timedelta(hours=hour)).astimezone(zone).replace(minute=0, second=0)
        minutes = int((moment - now).total_seconds() // 60)
        if moment.hour % 3 == 0 and 0 < minutes < 1440:
            ticks.append((minutes, _("Midnight") if moment.hour == 0 else f"{moment.hour:02}:00"))
    return ticks


def _lane(coming: Coming, usual: Baseline | None, now: datetime, zone: tzinfo) -> Lane:
    moments = plan.moments(coming.schedules, now, now + DAY, MOST_BLOCKS, BLOCK)
    length = (usual.seconds if usual else 60) / 60
    blocks = [Block((moment - now).total_seconds() / 60, length) for moment in moments]
    return Lane(
        task=coming.task,
        track=charts.lane_track(blocks, [minute for minute, _word in _ticks(now, zone)]),
        next_relative=when.relative(moments[0], now),
        next_absolute=when.absolute(moments[0], now, zone),
        iso=moments[0].astimezone(zone).isoformat(timespec="minutes"),
        count=plan.count(coming.schedules, now, now + DAY),
    )


def _last_day(now: datetime) -> tuple[int, int]:
    """How many of the planned runs of the last 24 hours finished, and how many there were."""
    # Naming every status lets run_kind_history answer alone, without a look at the runs.
    planned = Run.objects.filter(status__in=Run.Status.values, trigger=Run.Trigger.SCHEDULE)
    recent = planned.filter(at__gt=now - DAY, at__lte=now).order_by()
    counts = dict(recent.values_list("status").annotate(Count("pk")))
    return counts.get("succeeded", 0) + counts.get("suspicious", 0), sum(counts.values())


def _busiest(tasks: list[Named], recent: Mapping[int, runs.Recent]) -> list[Named]:
    """The tasks that ran last; in the order of their names."""
    ran = [(at, task) for task in tasks if (at := recent[task.pk].newest)]
    newest = [task for _at, task in sorted(ran, key=itemgetter(0), reverse=True)[:MOST]]
    return sorted(newest, key=lambda task: task.name.lower())


def _trouble(run: Run, now: datetime, zone: tzinfo) -> Trouble:
    return Trouble(
        run=run,
        look=runs.look(run),
        why=reason_line(run, zone),
        at=when.absolute(run.at, now, zone),
        can_repeat=run.status in {Run.Status.FAILED, Run.Status.MISSED} and run.reason != "timeout",
    )

"""The list of tasks: what runs when, how it went, and the switch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tasks.models import Run, Schedule, SpiderInfo, Tag, Task
from tasks.models.spider import spoken
from tasks.web import charts, plan, runs, when
from tasks.web.attention import newest_status
from tasks.web.filters import Filter, build_filter
from tasks.web.states import Look
from tasks.web.zones import zone_of

PER_PAGE = 50
# What runs by the wall clock of a zone; all others by what went before.
WALL_CLOCK = {Schedule.Kind.CRON, Schedule.Kind.ONCE}
NARROWING = ("q", "outcome", "spider", "on", "tag")


@dataclass(slots=True)
class Row:
    task: Task
    spider: str
    sentences: list[str]
    zone: str
    next_relative: str
    next_absolute: str
    next_there: str
    bar: SafeString
    last: runs.PastRun | None = None
    look: Look | None = None
    last_seen: str = ""
    tags: list[str] = field(default_factory=list)


OUTCOMES = {
    "ok": Run.Status.SUCCEEDED,
    "check": Run.Status.SUSPICIOUS,
    "failed": Run.Status.FAILED,
    "missed": Run.Status.MISSED,
}


def filters(request: HttpRequest) -> list[Filter]:
    spiders = [(i.name, str(i)) for i in SpiderInfo.objects.order_by("title", "name")]
    tags = [(tag.name, tag.name) for tag in Tag.objects.filter(tasks__isnull=False).distinct()]
    outcomes = [
        ("ok", _("Finished")),
        ("check", _("Needs a look")),
        ("failed", _("Failed")),
        ("missed", _("Missed")),
    ]
    found = [
        build_filter(request, "outcome", _("Last outcome"), outcomes),
        build_filter(request, "spider", _("Spider"), spiders),
        build_filter(request, "on", _("On or off"), [("1", _("On")), ("0", _("Off"))]),
    ]
    return [*found, build_filter(request, "tag", _("Tag"), tags)] if tags else found


def search(request: HttpRequest) -> QuerySet[Task]:
    given = request.GET
    tasks: QuerySet[Task] = Task.objects.all()
    if text := given.get("q", "").strip()[:200]:
        spiders = SpiderInfo.objects.filter(title__icontains=text).values("name")
        words = Q(name__icontains=text) | Q(task_id__icontains=text) | Q(spider__icontains=text)
        tasks = tasks.filter(words | Q(spider__in=spiders) | Q(description__icontains=text))
    if spider := given.get("spider"):
        tasks = tasks.filter(spider=spider)
    if given.get("on") in {"0", "1"}:
        tasks = tasks.filter(enabled=given["on"] == "1")
    if tag := given.get("tag"):
        tasks = tasks.filter(tags__name=tag)
    if outcome := OUTCOMES.get(given.get("outcome", "")):
        picked = newest_status(tasks).filter(newest_status=outcome).values("pk")
        tasks = Task.objects.filter(pk__in=picked)
    return tasks.order_by("name", "pk")


def rows(tasks: Sequence[Task], now: datetime, viewer: tzinfo) -> list[Row]:
    history = runs.last_runs(task.pk for task in tasks)
    titles = {name: spoken(t) for name, t in SpiderInfo.objects.values_list("name", "title")}
    clock = when.Clock(now, viewer)
    return [
        _row(task, history[task.pk], titles.get(task.spider) or task.spider, clock)
        for task in tasks
    ]


def _row(task: Task, history: list[runs.PastRun], spider: str, clock: when.Clock) -> Row:
    schedules = [each for each in task.schedules.all() if each.enabled]
    upcoming = plan.next_of(schedules, clock.now) if task.enabled else None
    last = history[-1] if history else None
    return Row(
        task=task,
        spider=spider or task.get_kind_display(),
        sentences=plan.sentence(schedules),
        zone=_zones(schedules),
        next_relative=clock.relative(upcoming) if upcoming else "",
        next_absolute=clock.absolute(upcoming) if upcoming else _why_none(task, schedules),
        next_there=_there(upcoming, schedules, clock),
        bar=charts.status_bar(runs.slots(history, clock)),
        last=last,
        look=runs.look(last) if last else None,
        last_seen=clock.relative(last.at) if last else "",
        tags=[tag.name for tag in task.tags.all()],
    )


def _zones(schedules: Iterable[Schedule]) -> str:
    timed = (s for s in schedules if s.kind in WALL_CLOCK)
    names = dict.fromkeys(each.timezone for each in timed)
    return ", ".join(when.zone_label(when.zone_of(name)) for name in names)


def _there(moment: datetime | None, schedules: Sequence[Schedule], clock: when.Clock) -> str:
    """The same moment on the schedule's own clock, where it differs from the viewer's."""
    if moment is None:
        return ""
    timed = (s for s in schedules if s.kind in WALL_CLOCK)
    zone = next((when.zone_of(s.timezone) for s in timed), clock.zone)
    if moment.astimezone(zone).utcoffset() == moment.astimezone(clock.zone).utcoffset():
        return ""
    return f"{when.absolute(moment, clock.now, zone)} {when.zone_label(zone)}"


def _why_none(task: Task, schedules: Sequence[Schedule]) -> str:
    if not task.enabled:
        return _("The task is off")
    kinds = {schedule.kind for schedule in schedules}
    if Schedule.Kind.AFTER in kinds:
        return _("When the other task ends")
    if Schedule.Kind.STARTUP in kinds:
        return _("When the scheduler starts")
    return _("No time is planned")


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    now, viewer = timezone.now(), zone_of(request.user)
    found = search(request).prefetch_related("tags", "schedules__after_task")
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("p"))
    chosen = filters(request)
    return TemplateResponse(
        request,
        "tasks/task_list.html",
        {
            **context,
            "title": _("Tasks"),
            "rows": rows(list(shown), now, viewer),
            "shown": shown,
            "links": _links(request, shown),
            "filters": chosen,
            "query": request.GET.get("q", ""),
            "narrowed": any(request.GET.get(name) for name in NARROWING),
            "here": request.get_full_path(),
            "may": {
                right: request.user.has_perm(f"tasks.{right}_task")
                for right in ("add", "change", "delete", "operate")
            },
        },
    )


def _links(request: HttpRequest, shown: Page[Task]) -> dict[str, str]:
    def to(number: int) -> str:
        return "?" + urlencode({**request.GET.dict(), "p": number})

    links = {}
    if shown.has_previous():
        links["previous"] = to(shown.previous_page_number())
    if shown.has_next():
        links["next"] = to(shown.next_page_number())
    return links

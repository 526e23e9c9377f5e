"""Figures for Prometheus. What is counted in the tables is counted for the last day, so that a
scrape costs the same after years; labels are statuses and reasons, of which there are few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tasks.api.streams.places import open_streams
from tasks.models import Run, SchedulerProcess, Task
from tasks.services.alerts import outbox
from tasks.services.disk import disk_usage
from tasks.services.status import STALE_AFTER

PREFIX = "spider_scheduler"
WINDOW = timedelta(days=1)
# Durations and delays are those of the newest runs.
SAMPLE = 1000
MOST_REASONS = 60
QUANTILES = (0.5, 0.95, 1.0)


class StateCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        recent = Run.objects.filter(at__gte=now - WINDOW)
        yield from _runs(recent)
        yield from _durations(recent)
        yield from _queue(now)
        yield from _schedulers(now)
        yield from _tasks()
        yield from _disk()
        rows = [([status], number) for status, number in outbox(now=now).items()]
        yield _labelled("alerts", "Alerts of the last day", ("status",), rows)
        yield _gauge("open_streams", "Live logs that are followed here", open_streams())


def exposition() -> bytes:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(StateCollector())
    return generate_latest(registry)


def _gauge(name: str, words: str, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


def _labelled(
    name: str, words: str, labels: Iterable[str], rows: Iterable[tuple[list[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", words, labels=list(labels))
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _runs(recent: QuerySet[Run]) -> Iterator[Metric]:
    counted = recent.values_list("status", "reason").annotate(number=Sum("slots"))
    rows = [
        ([status, reason], number)
        for status, reason, number in counted.order_by("-number")[:MOST_REASONS]
    ]
    yield _labelled("runs", "Runs of the last day", ("status", "reason"), rows)
    sums = recent.aggregate(items=Sum("items"), pages=Sum("pages"), errors=Sum("errors"))
    for name, value in sums.items():
        yield _gauge(name, f"{name.title()} of the runs of the last day", float(value or 0))


def _durations(recent: QuerySet[Run]) -> Iterator[Metric]:
    ended = recent.filter(started_at__isnull=False, finished_at__isnull=False).order_by("-at")
    yield _quantiles(
        "run_duration_seconds", "How long runs took", ended.values_list("started_at", "finished_at")
    )
    fired = recent.filter(scheduled_for__isnull=False)
    fired = fired.exclude(status__in=[Run.Status.MISSED, Run.Status.SKIPPED])
    yield _quantiles(
        "firing_delay_seconds",
        "From the planned moment until the run was queued",
        fired.order_by("-at").values_list("scheduled_for", "queued_at"),
    )


def _quantiles(
    name: str, words: str, pairs: QuerySet[Run, tuple[datetime | None, datetime | None]]
) -> Metric:
    spans = sorted((end - start).total_seconds() for start, end in pairs[:SAMPLE] if start and end)
    rows = [([str(share)], spans[round(share * (len(spans) - 1))]) for share in QUANTILES if spans]
    return _labelled(name, f"{words} (newest {SAMPLE} of the last day)", ("quantile",), rows)


def _queue(now: datetime) -> Iterator[Metric]:
    waiting = Run.objects.waiting()
    oldest = waiting.order_by("queued_at").values_list("queued_at", flat=True).first()
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    active = Run.objects.filter(status__in=[Run.Status.STARTING, Run.Status.RUNNING])
    yield _gauge("queue_length", "Runs that wait", waiting.count())
    yield _gauge("queue_age_seconds", "How long the oldest of them has waited", age)
    yield _gauge("running", "Runs that go on", active.count())


def _schedulers(now: datetime) -> Iterator[Metric]:
    alive = SchedulerProcess.objects.filter(seen_at__gte=now - STALE_AFTER)
    leads = alive.filter(is_leader=True).count()
    newest = SchedulerProcess.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    yield _gauge("schedulers", "Scheduler processes alive", alive.count())
    yield _gauge("scheduler_leads", "1 when a living scheduler leads", leads)
    if newest is not None:
        age = (now - newest).total_seconds()
        yield _gauge("scheduler_heartbeat_age_seconds", "Since the newest heartbeat", age)


def _tasks() -> Iterator[Metric]:
    counts = Task.objects.values_list("enabled").annotate(number=Count("pk")).order_by()
    rows = [(["on" if enabled else "off"], number) for enabled, number in counts]
    yield _labelled("tasks", "Tasks", ("state",), rows)


def _disk() -> Iterator[Metric]:
    try:
        usage = disk_usage()
    except OSError:
        return
    yield _gauge("disk_free_bytes", "Free where run folders are kept", usage.free)
    yield _gauge("disk_total_bytes", "Size of that disk", usage.total)

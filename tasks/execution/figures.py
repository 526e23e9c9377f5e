"""Writes the figures of all live runs in one statement: a statement per run and second would be a
hundred small transactions on a busy host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Case, JSONField, Value, When
from django.utils import timezone

from tasks.models import Run
from tasks.runtime.files import Json, count_of


@dataclass(frozen=True)
class Sample:
    run: Run
    progress: Json
    usual: float | None = None


COUNTS = ("items", "pages", "errors")
SHOWN = ("stage", "failed_pages", "bytes", "pending", "memory_kb", "url", "at", "active_at")


def save_figures(samples: Sequence[Sample]) -> int:
    if not samples:
        return 0
    now = timezone.now()
    fields: dict[str, Any] = {
        name: _case(samples, name, lambda sample, name=name: count_of(sample.progress.get(name)))
        for name in COUNTS
    }
    progress = [
        When(pk=sample.run.pk, then=Value(shown(sample, now), output_field=JSONField()))
        for sample in samples
    ]
    fields["progress"] = Case(*progress, default="progress", output_field=JSONField())
    rows = Run.objects.filter(pk__in=[sample.run.pk for sample in samples], status="running")
    return rows.update(heartbeat_at=now, **fields)


def _case(samples: Sequence[Sample], name: str, value: Any) -> Case:
    whens = [When(pk=sample.run.pk, then=Value(value(sample))) for sample in samples]
    return Case(*whens, default=name, output_field=BigIntegerField())


def shown(sample: Sample, now: datetime) -> Json:
    """What pages show of a live run, the estimate included."""
    progress = sample.progress
    found: Json = {name: progress.get(name) for name in SHOWN if name in progress}
    started = sample.run.started_at
    seconds = (now - started).total_seconds() if started else 0
    if seconds >= 1:
        found["items_per_minute"] = round(count_of(progress.get("items")) * 60 / seconds, 1)
        found["pages_per_minute"] = round(count_of(progress.get("pages")) * 60 / seconds, 1)
    if sample.usual:
        found["usual_items"] = round(sample.usual)
        found |= _estimate(count_of(progress.get("items")), sample.usual, seconds)
    return found


def _estimate(items: int, usual: float, seconds: float) -> Json:
    share = min(items / usual, 0.99)
    if share <= 0.02:
        return {}
    return {"percent": round(share * 100), "seconds_left": round(seconds / share - seconds)}

"""What is usual for a task: the middle of its latest good runs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tasks.models import Run

LATEST = 10
ENOUGH = 3
# Among so many good runs those are sought that were given the same.
LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Baseline:
    items: float
    seconds: float


def baseline_of(run: Run) -> Baseline | None:
    """Of the good runs before it that were given the same: other arguments or limits bring other
    figures. None while there are too few to speak of usual. A test run is none of them, and has
    none: it ends after a few items."""
    if run.task_id is None or run.trigger == Run.Trigger.TEST:
        return None
    good = (
        Run.objects.filter(task=run.task_id, status=Run.Status.SUCCEEDED, at__lte=run.at)
        .exclude(trigger=Run.Trigger.TEST)
        .exclude(pk=run.pk)
        .newest_first()
        .values_list("arguments", "settings", "items", "started_at", "finished_at")[:LOOKED_AT]
    )
    given = (run.arguments, run.settings)
    alike = [row[2:] for row in good if row[:2] == given][:LATEST]
    if len(alike) < ENOUGH:
        return None
    times = [(end - start).total_seconds() for _items, start, end in alike if start and end]
    return Baseline(median(row[0] for row in alike), median(times) if times else 0.0)

"""What is usual for a task: the middle of its latest good runs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tasks.models import Run

LATEST = 10
ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    items: float
    seconds: float


def baseline_of(task_pk: int) -> Baseline | None:
    """None while there are too few good runs to speak of usual. A test run is none of them: it
    ends after a few items."""
    rows = list(
        Run.objects.filter(task=task_pk, status=Run.Status.SUCCEEDED)
        .exclude(trigger=Run.Trigger.TEST)
        .newest_first()
        .values_list("items", "started_at", "finished_at")[:LATEST]
    )
    times = [(end - start).total_seconds() for _items, start, end in rows if start and end]
    if len(rows) < ENOUGH:
        return None
    return Baseline(median(row[0] for row in rows), median(times) if times else 0.0)

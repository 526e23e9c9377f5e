"""What a stored job holds: one function, one trigger, and the schedule's id. Nothing else."""

from __future__ import annotations

import pickle
from datetime import datetime
from functools import lru_cache
from typing import Any

from apscheduler.job import Job
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger

from tasks.scheduling import registry
from tasks.services.firing import fire

PREFIX = "schedule-"
FUNCTION = "tasks.scheduling.jobs:fire_schedule"


def fire_schedule(schedule_id: int) -> None:
    """Any APScheduler may call this: what was settled before leaves nothing to do."""
    known = registry.look_up(schedule_id)
    if known is not None:
        fire(known={schedule_id: known}, schedule_ids=[schedule_id])


class ScheduleTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Jumps to the next slot, however long ago the last one was."""

    __slots__ = ("schedule_id",)

    def __init__(self, schedule_id: int) -> None:
        self.schedule_id = schedule_id

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        known = registry.look_up(self.schedule_id)
        if known is None:
            return None
        after = now if previous_fire_time is None else max(previous_fire_time, now)
        return known.due(self.schedule_id, after - known.delay(self.schedule_id))

    def __getstate__(self) -> dict[str, int]:
        return {"schedule_id": self.schedule_id}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.schedule_id = state["schedule_id"]

    def __str__(self) -> str:
        return f"schedule[{self.schedule_id}]"


def job_id(schedule_id: int) -> str:
    return f"{PREFIX}{schedule_id}"


def schedule_id_of(name: str) -> int | None:
    number = name.removeprefix(PREFIX)
    return int(number) if name.startswith(PREFIX) and number.isdecimal() else None


def options(schedule_id: int) -> dict[str, Any]:
    """misfire_grace_time None: lateness is for our catch-up to judge and to record."""
    return {
        "trigger": ScheduleTrigger(schedule_id),
        "args": (schedule_id,),
        "kwargs": {},
        "name": job_id(schedule_id),
        "misfire_grace_time": None,
        "coalesce": True,
        "max_instances": 1,
        "executor": "default",
    }


def make_job(
    scheduler: BaseScheduler | None, schedule_id: int, next_run_time: datetime | None = None
) -> Job:
    job = Job(scheduler, id=job_id(schedule_id), func=FUNCTION, **options(schedule_id))
    job.next_run_time = next_run_time
    return job


@lru_cache(maxsize=65_536)
def state_of(schedule_id: int) -> bytes:
    """The same bytes for the same schedule: the time stands in its own column."""
    return pickle.dumps(make_job(None, schedule_id).__getstate__(), 5)

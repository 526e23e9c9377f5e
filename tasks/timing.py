from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter


class TimingError(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Timing:
    kind: str
    cron: str = ""
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0
    run_at: datetime | None = None
    timezone: str = "UTC"
    anchor: datetime | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    jitter: int = 0

    def step(self) -> timedelta:
        return timedelta(
            weeks=self.weeks,
            days=self.days,
            hours=self.hours,
            minutes=self.minutes,
            seconds=self.seconds,
        )

    def next_time(self, after: datetime) -> datetime | None:
        if self.kind == "cron":
            local = after.astimezone(ZoneInfo(self.timezone))
            found: datetime = croniter(self.cron, local, ret_type=datetime).get_next()
            return found
        if self.kind == "interval":
            anchor = self.anchor or after
            return anchor + ((after - anchor) // self.step() + 1) * self.step()
        return self.run_at if self.run_at and self.run_at > after else None


def validate(timing: Timing, *, now: datetime, min_interval: int) -> None:
    if timing.kind == "cron" and not croniter.is_valid(timing.cron):
        raise TimingError("cron", "This is not a cron pattern.")
    if timing.kind == "interval" and timing.step() < timedelta(seconds=min_interval):
        raise TimingError("seconds", "This is too often.")
    if timing.kind == "once" and (timing.run_at is None or timing.run_at <= now):
        raise TimingError("run_at", "That moment has already passed.")

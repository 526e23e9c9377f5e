from __future__ import annotations

from tasks.models.alert import Alert
from tasks.models.control import Blackout, Hold, SchedulerLease, SchedulerProcess
from tasks.models.people import ApiToken, AuditEntry, DataLink, IdempotencyKey, Profile, RateCount
from tasks.models.run import ACTIVE, TERMINAL, TRANSITIONS, Run
from tasks.models.schedule import Schedule
from tasks.models.spider import Preset, SpiderInfo
from tasks.models.task import Tag, Task

__all__ = [
    "ACTIVE",
    "TERMINAL",
    "TRANSITIONS",
    "Alert",
    "ApiToken",
    "AuditEntry",
    "Blackout",
    "DataLink",
    "Hold",
    "IdempotencyKey",
    "Preset",
    "Profile",
    "RateCount",
    "Run",
    "Schedule",
    "SchedulerLease",
    "SchedulerProcess",
    "SpiderInfo",
    "Tag",
    "Task",
]

from __future__ import annotations

from tasks.admin.controls import AuditAdmin, BlackoutAdmin, HoldAdmin
from tasks.admin.people import PersonAdmin
from tasks.admin.run import RunAdmin
from tasks.admin.task import TaskAdmin

__all__ = [
    "AuditAdmin",
    "BlackoutAdmin",
    "HoldAdmin",
    "PersonAdmin",
    "RunAdmin",
    "TaskAdmin",
]

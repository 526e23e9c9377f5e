from __future__ import annotations

from tasks.admin.run import RunAdmin
from tasks.admin.task import TaskAdmin

__all__ = ["RunAdmin", "TaskAdmin"]

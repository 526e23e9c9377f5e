"""The Python API: every mutation goes through here, whichever door it came in by."""

from __future__ import annotations

from tasks.services.adding import (
    add_interval_spider_task,
    add_one_time_task,
    add_spider_task,
    update_task_schedule,
)
from tasks.services.creating import create_task, create_tasks
from tasks.services.exchange import export_tasks, import_tasks
from tasks.services.runs import cancel_run, run_again, run_task_now
from tasks.services.status import (
    get_job_stats,
    get_scheduler_status,
    get_task_info,
    list_tasks,
)
from tasks.services.tasks import (
    disable_task,
    duplicate_task,
    enable_task,
    remove_task,
    update_task,
)

__all__ = [
    "add_interval_spider_task",
    "add_one_time_task",
    "add_spider_task",
    "cancel_run",
    "create_task",
    "create_tasks",
    "disable_task",
    "duplicate_task",
    "enable_task",
    "export_tasks",
    "get_job_stats",
    "get_scheduler_status",
    "get_task_info",
    "import_tasks",
    "list_tasks",
    "remove_task",
    "run_again",
    "run_task_now",
    "update_task",
    "update_task_schedule",
]

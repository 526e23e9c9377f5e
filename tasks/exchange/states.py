"""The full form: every field of a task in one order; what is at its default is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from tasks.models import Schedule, Task

LIMITS = (
    "timeout", "no_progress_timeout", "memory_limit_mb", "max_retries", "retry_delay",
    "overlap_policy", "max_instances", "catch_up", "catch_up_window", "executor", "priority",
    "allow_empty", "min_items", "usual_share", "max_errors", "http_cache", "http_cache_ttl",
    "keep_days", "keep_runs", "keep_megabytes", "user_id", "fingerprint", "alert_to", "alert_on",
)  # fmt: skip
TASK = (
    "task_id", "name", "description", "kind", "spider", "enabled", "disabled_note", "owner",
    "tags", "arguments", "settings", "schedules", *LIMITS,
)  # fmt: skip
SCHEDULE = (
    "key", "kind", "cron", "weeks", "days", "hours", "minutes", "seconds", "run_at", "after_task",
    "after_on", "delay", "timezone", "start_at", "end_at", "jitter", "enabled", "anchor",
)  # fmt: skip
ALWAYS = {"task_id", "name", "kind", "enabled", "schedules", "key", "timezone"}
# How a file speaks of a secret: never by its value.
SECRET = {"$secret": "stored"}

State = dict[str, Any]


@cache
def task_defaults() -> Mapping[str, Any]:
    blank = Task()
    empty: State = {"tags": [], "schedules": [], "owner": None}
    found = {name: empty[name] if name in empty else getattr(blank, name) for name in TASK}
    return MappingProxyType(found)


@cache
def schedule_defaults() -> Mapping[str, Any]:
    """Without the zone and the anchor, which are the installation's and the moment's."""
    blank = Schedule()
    names = [name for name in SCHEDULE if name not in {"timezone", "anchor", "after_task"}]
    found = {name: getattr(blank, name) for name in names}
    return MappingProxyType({**found, "after_task": None})


def compact(state: Mapping[str, Any]) -> State:
    """A task's state as `export` writes it."""
    written = _shown(state, TASK, task_defaults())
    written["schedules"] = [_schedule(each) for each in state["schedules"]]
    return written


def _schedule(state: Mapping[str, Any]) -> State:
    shown = dict(state)
    if shown["kind"] != Schedule.Kind.INTERVAL or shown.get("start_at"):
        # Only there does the moment of saving decide when it runs.
        shown["anchor"] = None
    return _shown(shown, SCHEDULE, {**schedule_defaults(), "anchor": None})


def _shown(state: Mapping[str, Any], names: Sequence[str], usual: Mapping[str, Any]) -> State:
    return {
        name: state[name]
        for name in names
        if name in state and (name in ALWAYS or name not in usual or state[name] != usual[name])
    }


def natural_order(text: str) -> list[tuple[int, int, str]]:
    """shop-2 before shop-10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), "") if part[0].isdecimal() else (1, 0, part) for part in parts]

"""The JSON Schema of task files: documentation for editors, and the check of an import."""

from __future__ import annotations

from typing import Any

from tasks.exchange.fields import FIELDS, REFUSED
from tasks.exchange.states import SECRET
from tasks.models import Alert, Schedule, Task

Schema = dict[str, Any]

MOST = 2_147_483_647
MOST_SMALL = 32_767
CLASS_PATH = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"
SLUG = r"^[-a-zA-Z0-9_]+$"

LINE: Schema = {"type": "string", "maxLength": 200}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": MOST}
SMALL: Schema = {"type": "integer", "minimum": 0, "maximum": MOST_SMALL}
MAYBE: Schema = {"type": ["integer", "null"], "minimum": 0, "maximum": MOST}
MAYBE_LINE: Schema = {"type": ["string", "null"], "maxLength": 200}
IDENTIFIER: Schema = {"type": "string", "pattern": SLUG, "minLength": 1, "maxLength": 100}
MAPPING: Schema = {"type": "object"}
TAGS: Schema = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 50},
    "maxItems": 50,
}
DESCRIPTION: Schema = {"type": "string", "maxLength": 5000}
UNITS: Schema = {
    unit: {**NUMBER, "description": "Units add up."}
    for unit in ("weeks", "days", "hours", "minutes", "seconds")
}


def _mapping(properties: Schema, required: list[str], **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        **more,
    }


def _moment(text: str) -> Schema:
    return {
        "type": ["string", "null"],
        "maxLength": 40,
        "description": f"{text} ISO 8601; without an offset, on the wall clock of the time zone.",
    }


SCHEDULE = _mapping(
    {
        "key": {**IDENTIFIER, "description": "Unique in its task."},
        "kind": {"enum": Schedule.Kind.values},
        "cron": {"type": "string", "maxLength": 255, "description": "Five fields, as in cron."},
        **UNITS,
        "run_at": _moment("The moment of kind “once”."),
        "after_task": {**MAYBE_LINE, "description": "The task_id that kind “after” follows."},
        "after_on": {"enum": Schedule.After.values},
        "delay": {**NUMBER, "description": "Seconds after it."},
        "timezone": {**LINE, "description": "IANA name; SCHEDULER_TIMEZONE by default."},
        "start_at": _moment("Not before."),
        "end_at": _moment("Not after."),
        "jitter": {**NUMBER, "description": "Spreads starts over so many seconds."},
        "enabled": FLAG,
        "anchor": _moment("Where an interval counts from."),
    },
    ["kind"],
)

TASK = _mapping(
    {
        "task_id": IDENTIFIER,
        "name": {**LINE, "minLength": 1},
        "description": DESCRIPTION,
        "kind": {"enum": Task.Kind.values},
        "spider": LINE,
        "enabled": FLAG,
        "disabled_note": {"type": "string", "maxLength": 500, "description": "Why it is off."},
        "owner": {**MAYBE_LINE, "description": "A user name."},
        "tags": TAGS,
        "arguments": {
            **MAPPING,
            "description": f"Arguments of the spider. {SECRET} stands for a stored secret.",
        },
        "settings": {**MAPPING, "description": "Allowed Scrapy settings."},
        "schedules": {"type": "array", "items": {"$ref": "#/$defs/schedule"}, "maxItems": 100},
        "timeout": NUMBER,
        "no_progress_timeout": NUMBER,
        "memory_limit_mb": NUMBER,
        "max_retries": SMALL,
        "retry_delay": NUMBER,
        "overlap_policy": {"enum": Task.Overlap.values},
        "max_instances": {**SMALL, "minimum": 1},
        "catch_up": {"enum": Task.CatchUp.values},
        "catch_up_window": MAYBE,
        "executor": {"enum": ["", "local", "scrapyd", "celery"]},
        "priority": {"type": "integer", "minimum": -100, "maximum": 100},
        "allow_empty": FLAG,
        "min_items": MAYBE,
        "usual_share": {"type": "integer", "minimum": 0, "maximum": 100},
        "max_errors": MAYBE,
        "http_cache": FLAG,
        "http_cache_ttl": NUMBER,
        "keep_days": MAYBE,
        "keep_runs": MAYBE,
        "keep_megabytes": MAYBE,
        "user_id": LINE,
        "fingerprint": {"type": "string", "maxLength": 64},
        "alert_to": {
            "type": "array",
            "items": {"type": "string", "maxLength": 254},
            "maxItems": 20,
            "description": "E-mail addresses.",
        },
        "alert_on": {
            "type": "array",
            "items": {"enum": Alert.Kind.values},
            "maxItems": 10,
            "description": "Of what they are told.",
        },
    },
    ["task_id", "name", "schedules"],
)

CRON_FIELD: Schema = {"type": ["string", "integer", "null"], "maxLength": 200}
JOB = _mapping(
    {
        "job_id": {**IDENTIFIER, "description": "Becomes the task_id."},
        "type": {"enum": ["cron", "interval", "date"]},
        "cron_expression": {"type": "string", "maxLength": 255},
        **dict.fromkeys((*FIELDS, *REFUSED), CRON_FIELD),
        "day_of_week": {
            **CRON_FIELD,
            "description": "mon … sun; numbers are APScheduler's: 0 is Monday.",
        },
        **{unit: {**MAYBE, "description": "Units add up."} for unit in UNITS},
        "run_date": _moment("The moment of type “date”."),
        "start_date": _moment("Not before."),
        "end_date": _moment("Not after."),
        "timezone": MAYBE_LINE,
        "jitter": MAYBE,
        "spider": LINE,
        "config": {
            "type": ["object", "null"],
            "properties": {
                "spider": LINE,
                "arguments": {"type": ["object", "null"]},
                "settings": {"type": ["object", "null"]},
            },
            "description": "spider, arguments, settings; all the rest are arguments.",
        },
        "arguments": {"type": ["object", "null"]},
        "settings": MAPPING,
        "name": {**LINE, "minLength": 1},
        "description": DESCRIPTION,
        "enabled": FLAG,
        "tags": TAGS,
        "max_instances": {**SMALL, "minimum": 1},
        "misfire_grace_time": MAYBE,
        "coalesce": FLAG,
        "replace_existing": FLAG,
    },
    ["job_id", "type"],
)

PIPELINE = _mapping(
    {
        "description": DESCRIPTION,
        "schedule": {
            **_mapping(
                {
                    "cron": {"type": "string", "maxLength": 255},
                    "interval": _mapping(UNITS, [], minProperties=1),
                    "timezone": MAYBE_LINE,
                },
                [],
                minProperties=1,
            ),
            "type": ["object", "null"],
            "description": "Without one it runs once when the scheduler starts.",
        },
        "chain": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": _mapping(
                {
                    "class": {
                        "type": "string",
                        "pattern": CLASS_PATH,
                        "maxLength": 300,
                        "description": "Dotted path of a class with run().",
                    },
                    "kwargs": {"type": ["object", "null"]},
                },
                ["class"],
            ),
        },
    },
    ["chain"],
)

FORMS: dict[str, Schema] = {
    "tasks": _mapping(
        {
            "version": {"const": 1},
            "tasks": {"type": "array", "items": {"$ref": "#/$defs/task"}},
        },
        ["tasks"],
    ),
    "jobs": _mapping({"jobs": {"type": "array", "items": {"$ref": "#/$defs/job"}}}, ["jobs"]),
    "pipelines": _mapping(
        {
            "pipelines": {
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/pipeline"},
                "propertyNames": {"pattern": r"[A-Za-z0-9]", "maxLength": 100},
            }
        },
        ["pipelines"],
    ),
}
DEFINITIONS = {"task": TASK, "schedule": SCHEDULE, "job": JOB, "pipeline": PIPELINE}


def file_schema() -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Task file of Spider Scheduler",
        "oneOf": list(FORMS.values()),
        "$defs": DEFINITIONS,
    }

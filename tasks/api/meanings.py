"""What the fields and parameters mean, where their models don't say: once for what is sent and
what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Words = Mapping[str, str]
Json = dict[str, Any]

# By name, wherever it stands in an address.
PARAMETERS = {
    "task_id": "The task's id.",
    "run_id": "The run's id.",
    "job_id": "The job's id, as starting it gave it.",
    "link_id": "The address's number, from the list of them.",
    "number": "The blackout's number.",
    "name": "The spider's name.",
    "task": "Only runs of this task.",
    "spider": "Only of this spider.",
    "kind": "Only tasks of this kind.",
    "tag": "Only tasks with this tag.",
    "enabled": "Only tasks that are on, or off.",
    "trigger": "Only what was started like this.",
    "user_id": "Only what was asked for on behalf of this user.",
    "order": "By which field; with `-` the largest first.",
    "limit": "How many rows a page has at most.",
    "offset": "How many to leave out at the start.",
    "cursor": "`next` of the page before.",
    "format": "What comes back: a page of JSON, or a file.",
    "timezone": "Whose wall clock counts; by default that of SCHEDULER_TIMEZONE.",
    "cron": "Minute, hour, day of month, month, day of week.",
    "n": "How many times to show.",
    "ignore_cache": "Makes a new job in any case; goes before the body's.",
    "keep_history": "Whether its runs stay.",
}
TASK = {
    "task_id": "Names the task in addresses and files.",
    "name": "What people call it.",
    "description": "Notes for colleagues.",
    "kind": "What it does: runs a spider, a chain of classes or a search; or compares, writes or"
    " removes what others found.",
    "spider": "The spider that it runs, by name.",
    "arguments": "The spider's arguments, by name. Secrets come back as dots.",
    "settings": "Settings of Scrapy for its runs, by name.",
    "enabled": "Whether its schedules start it.",
    "disabled_note": "Why it is off.",
    "disabled_by": "Who switched it off.",
    "disabled_at": "When it was switched off.",
    "tags": "Words to find it by.",
    "owner": "The user name of who made it.",
    "timeout": "Seconds after which a run is stopped; 0: never.",
    "no_progress_timeout": "Seconds without a page or an item, after which a run is stopped;"
    " 0: never.",
    "memory_limit_mb": "Megabytes of memory above which a run is stopped; 0: no limit.",
    "max_retries": "How often a run that failed is tried again, where that may help.",
    "retry_delay": "Seconds before the first retry; each further one waits twice as long.",
    "overlap_policy": "If the run before is still going: skip the new one, let it wait, run both,"
    " or stop the old one.",
    "max_instances": "How many of its runs may go on at the same time, with `allow`.",
    "catch_up": "Of runs that were missed: make up for the latest, none, or all.",
    "catch_up_window": "Seconds after which a missed run is left out; null: as usual here.",
    "executor": "Where its runs go on; empty: as usual here.",
    "priority": "Higher goes first when runs wait for a place.",
    "allow_empty": "Whether a run that found nothing is a good one.",
    "min_items": "A run with fewer items needs a look.",
    "usual_share": "A run with less than this percentage of the usual items needs a look.",
    "max_errors": "A run with more errors has failed; null: any number.",
    "http_cache": "Whether pages are kept for later runs.",
    "http_cache_ttl": "Seconds for which pages are kept.",
    "keep_days": "Days for which its runs are kept; null: as usual here.",
    "keep_runs": "How many runs are kept; null: any number.",
    "keep_megabytes": "Megabytes that its items and logs may take; null: no limit.",
    "alert_to": "E-mail addresses that alerts go to.",
    "alert_on": "Of what they are told.",
    "user_id": "On whose behalf another program asked for it; empty for all others.",
    "schedules": "When it runs.",
    "next_run_time": "When it runs next; null: never.",
    "last_run": "The moment of its latest run; null: it has none yet.",
    "last_run_id": "The id of that run.",
    "last_status": "What became of that run.",
    "created_at": "When it was made.",
    "updated_at": "When it was changed last.",
}
SCHEDULE = {
    "key": "Its name within the task.",
    "kind": "By a pattern, every so often, once, after another task, or when the scheduler starts.",
    "description": "The schedule in plain words.",
    "cron": "For kind `cron`: minute, hour, day of month, month, day of week.",
    "weeks": "For kind `interval`: the units add up.",
    "days": "See `weeks`.",
    "hours": "See `weeks`.",
    "minutes": "See `weeks`.",
    "seconds": "See `weeks`.",
    "run_at": "For kind `once`: the moment.",
    "start_at": "It starts nothing before; an interval counts from here.",
    "end_at": "It starts nothing after.",
    "after_task": "For kind `after`: the task it follows.",
    "after_on": "For kind `after`: when that task ended well, failed, or either.",
    "delay": "For kind `after`: seconds between the two.",
    "timezone": "Whose wall clock it goes by.",
    "jitter": "Spreads starts by at most this many seconds.",
    "enabled": "Whether it starts runs.",
    "next_run_time": "When it starts the next run; null: never.",
}
RUN = {
    "id": "The run's id.",
    "task_name": "The task's name when the run began.",
    "schedule": "The key of the schedule that started it.",
    "kind": "What the task does.",
    "spider": "The spider that ran.",
    "at": "Under which moment it is listed: when it was planned, else asked for.",
    "scheduled_for": "When it was planned; null if nobody planned it.",
    "scheduled_until": "Of missed runs in one row: the last planned moment.",
    "slots": "How many planned moments the row stands for.",
    "trigger": "What started it.",
    "requested_by": "Who asked for it.",
    "user_id": "On whose behalf another program asked for it.",
    "status": "How it stands, or what became of it.",
    "reason": "Why, as a code.",
    "explanation": "The same in words; null where there is nothing to explain.",
    "attempt": "Which try it is; 1 is the first.",
    "retry_of": "The id of the run that it repeats.",
    "for_slot": "The planned moment that a retry or a backfill stands for.",
    "arguments": "The arguments it ran with. Secrets come back as dots.",
    "settings": "The settings it ran with.",
    "priority": "Higher goes first when runs wait for a place.",
    "queued_at": "When it began to wait.",
    "not_before": "It waits at least until then.",
    "started_at": "When its process started.",
    "finished_at": "When it ended.",
    "heartbeat_at": "When it was last seen alive.",
    "cancel_requested_at": "When somebody asked it to stop.",
    "cancel_requested_by": "Who asked it to stop.",
    "executor": "Where it went on.",
    "external_id": "Its id there.",
    "host": "The computer it ran on.",
    "pid": "The number of its process there.",
    "exit_code": "What its process ended with.",
    "items": "How many items it found.",
    "pages": "How many pages it read.",
    "errors": "How many errors it logged.",
    "progress": "Its latest figures while it goes on.",
    "stats": "All figures of its end, as Scrapy names them.",
}
EXPLANATION = {
    "title": "The reason in a word or two.",
    "happened": "What happened, in a sentence.",
    "cause": "What is likely behind it; empty: nothing is known.",
    "next_steps": "What to do about it.",
}
STATS = {
    "jobs_executed": "Runs that took place.",
    "jobs_failed": "Runs that failed.",
    "jobs_missed": "Planned moments at which no scheduler ran.",
    "jobs_skipped": "Planned moments at which nothing was started, such as in a blackout.",
    "last_error": "The newest failed run; null if none failed.",
    "timestamp": "When it ended.",
    "job_id": "The task's id.",
    "run_id": "The run's id.",
}
STANDING = {
    "note": "Why, for colleagues.",
    "author": "Who holds everything.",
    "starts_at": "From then on.",
    "ends_at": "Until then; null: until somebody ends it.",
    "id": "Its number, for its address.",
    "name": "What people call it.",
    "task_id": "Only for this task; null: for every task.",
    "weekdays": "On these days.",
    "start_time": "From this time of the day on.",
    "end_time": "Until this time of the day; an earlier one than the start is on the next day.",
    "timezone": "Whose wall clock it goes by.",
    "enabled": "Whether it holds.",
}
SPREAD = {
    "task_ids": "The tasks whose schedules are spread.",
    "task_id": "The task's id.",
    "schedule": "The schedule's key.",
    "before": "When it would have started.",
    "after": "When it starts from now on.",
}
BACKFILL = {"runs": "How many there are.", "items": "The runs that were queued."}
LOAD = {"timezone": "Whose wall clock the hours go by."}
NEVER = {
    "task_id": "The task's id.",
    "schedule": "The schedule's key; null: it concerns the whole task.",
    "code": "Why, as a code.",
    "message": "Why, in a sentence.",
}
PREVIEW = {
    "cron": "Minute, hour, day of month, month, day of week.",
    "timezone": "Whose wall clock counts; by default that of SCHEDULER_TIMEZONE.",
    "n": "How many times to show.",
    "description": "The schedule in plain words.",
    "next": "When it starts next, as moments.",
    "notes": "What a clock change does to them.",
    "at": "To which of them.",
    "code": "What happens, as a code.",
    "note": "What happens, in a sentence.",
}
FILE = {
    "task_id": "The task's id.",
    "name": "What people call it.",
    "action": "What becomes of the task.",
    "line": "Where the task begins in the file.",
    "dry_run": "Whether nothing was changed.",
    "created": "How many tasks are new.",
    "changed": "How many change.",
    "unchanged": "How many stay as they are.",
    "removed": "How many go.",
    "changes": "Task by task.",
    "warnings": "What to know of the file, in sentences.",
}
LINK = {
    "id": "Its number, for revoking it.",
    "name": "What it is for.",
    "created_by": "Who made it.",
    "created_at": "When it was made.",
    "last_used_at": "When it was read last; null: never.",
}
HEALTH = {
    "status": "`healthy` or `unhealthy`.",
    "checks": "By what was looked at: `ok`, and what was seen.",
}
SPIDER = {
    "name": "How tasks and code call it.",
    "title": "What people call it.",
    "description": "What it does.",
    "schema": "Its arguments, as a JSON schema.",
    "gives": "What its items have.",
    "domains": "The websites that it reads.",
    "inferred": "Whether its arguments were read from its code; else it declares them.",
    "error": "Why it does not load; empty: it does.",
    "warning": "What to know before it is used.",
    "seen_at": "When it was looked at last.",
}
JOB = {
    "job_id": "The job's id: of one that runs at once its run's, of a scheduled one its task's.",
    "id": "The job's id.",
    "name": "What people call it.",
    "user_id": "On whose behalf it is asked for.",
    "spider": "The spider that runs, by name.",
    "start_urls": "Where it begins.",
    "params": "Further arguments of the spider, by name.",
    "ignore_cache": "Makes a new job in any case.",
    "scheduled": "Whether it runs later or again and again.",
    "cached": "Whether an earlier request made it.",
    "cached_at": "When that was.",
    "next_run": "When it runs next.",
    "status_url": "Where its status is.",
    "logs_url": "Where its log is, live.",
    "trigger": "What starts it.",
    "pending": "Whether it waits until a scheduler takes it over, or for a place.",
    "kwargs": "What was asked for.",
    "jobs": "The jobs of this page.",
    "total": "How many there are in all.",
    "status": "How it stands.",
    "outcome": "What became of its run; null until it has ended.",
    "started_at": "When its run started.",
    "spider_job_id": "The id of its run, where it runs.",
    "query": "What to look for.",
    "sources": "Where to look.",
    "cron_expression": "When: minute, hour, day of month, month, day of week.",
    "interval_hours": "Every so many hours, instead of `cron_expression`.",
    "search_id": "The search's id, as making it gave it.",
    "format": "What is written.",
    "message": "What was done, in a sentence.",
}
PROBLEM = {
    "type": "The kind of problem, as an address; always `about:blank`.",
    "title": "The status in words.",
    "status": "The status of the answer.",
    "detail": "What is wrong, in a sentence.",
    "errors": "The messages by field; under an empty name what concerns the whole.",
}
PAGE = {"items": "The rows of this page."}
BY_SCHEMA: Mapping[str, Words] = {
    **dict.fromkeys(("TaskIn", "TaskFields", "TaskOut"), TASK),
    **dict.fromkeys(("ScheduleIn", "ScheduleOut"), SCHEDULE),
    **dict.fromkeys(("StatsOut", "LastErrorOut"), STATS),
    **dict.fromkeys(("HoldIn", "HoldOut", "BlackoutIn", "BlackoutOut", "PauseIn"), STANDING),
    **dict.fromkeys(("SpreadIn", "SpreadOut"), SPREAD),
    **dict.fromkeys(("PreviewIn", "PreviewOut", "Note"), PREVIEW),
    **dict.fromkeys(("PlanOut", "ChangeOut"), FILE),
    **dict.fromkeys(("LinkIn", "LinkOut", "NewLinkOut"), LINK),
    **dict.fromkeys(
        (
            "CrawlIn", "CrawlOut", "JobOut", "JobsOut", "JobChangeIn", "JobStatusOut",
            "JobMessageOut", "MessageOut", "SearchIn", "ExportIn",
        ),
        JOB,
    ),
    **dict.fromkeys(("Page_TaskOut_", "Page_RunOut_", "Page_SpiderOut_", "ItemsOut"), PAGE),
    **dict.fromkeys(
        (
            "TaskFilters", "RunFilters", "SpiderFilters", "JobFilters", "ItemsQuery",
            "ExportQuery", "LoadQuery", "PreviewQuery", "CrawlQuery",
        ),
        PARAMETERS,
    ),
    "RunOut": RUN,
    "ExplanationOut": EXPLANATION,
    "BackfillOut": BACKFILL,
    "LoadOut": LOAD,
    "NeverOut": NEVER,
    "SpiderOut": SPIDER,
    "HealthOut": HEALTH,
    "Problem": PROBLEM,
}  # fmt: skip


def explain_schemas(schemas: Json) -> None:
    for name, words in BY_SCHEMA.items():
        for field, node in schemas.get(name, {}).get("properties", {}).items():
            _explain(node, words.get(field, ""))


def explain_parameters(parameters: list[Json]) -> None:
    for each in parameters:
        if not _says_itself(each["schema"]):
            _explain(each, PARAMETERS.get(each["name"], ""))


def _explain(node: Json, words: str) -> None:
    if words and not _says_itself(node):
        node["description"] = words


def _says_itself(node: Json) -> bool:
    return "description" in node or any("description" in each for each in node.get("anyOf", ()))

"""Names that people, scripts and other programs rely on: they may be added to, never renamed."""

from __future__ import annotations

import inspect

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from tasks import services
from tasks.models import Run, Schedule, Task

TASK_FIELDS = [
    "task_id",
    "name",
    "description",
    "kind",
    "spider",
    "arguments",
    "settings",
    "enabled",
    "tags",
    "owner",
    "timeout",
    "max_retries",
    "retry_delay",
    "overlap_policy",
    "catch_up",
    "catch_up_window",
    "executor",
    "priority",
]
SCHEDULE_FIELDS = ["key", "kind", "timezone", "start_at", "end_at", "jitter", "enabled"]
RUN_FIELDS = [
    "id",
    "task",
    "schedule",
    "scheduled_for",
    "trigger",
    "requested_by",
    "user_id",
    "status",
    "reason",
    "attempt",
    "retry_of",
    "arguments",
    "settings",
    "queued_at",
    "started_at",
    "finished_at",
    "heartbeat_at",
    "cancel_requested_at",
    "executor",
    "external_id",
    "host",
    "pid",
    "exit_code",
    "items",
    "pages",
    "errors",
    "stats",
    "slots",
    "scheduled_until",
    "for_slot",
]
SERVICES = [
    "add_spider_task",
    "add_interval_spider_task",
    "add_one_time_task",
    "update_task_schedule",
    "enable_task",
    "disable_task",
    "remove_task",
    "list_tasks",
    "get_task_info",
    "run_task_now",
    "cancel_run",
    "get_scheduler_status",
    "get_job_stats",
    "export_tasks",
    "import_tasks",
]
SETTINGS = [
    "SECRET_KEY",
    "DEBUG",
    "SITE_URL",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATA_DIR",
    "LOG_LEVEL",
    "SCHEDULER_TIMEZONE",
    "SCHEDULER_MAX_WORKERS",
    "SCHEDULER_MIN_INTERVAL",
    "SCHEDULER_MODE",
    "PIPELINES_CONFIG",
    "SCHEDULER_JOB_STORE",
    "SCHEDULER_JOB_STORE_URL",
    "SCHEDULER_MISFIRE_GRACE_TIME",
    "SCHEDULER_EXECUTOR",
    "SCRAPY_SETTINGS_MODULE",
    "SCRAPY_PROJECT_PATH",
    "CRAWL_CACHE_TTL",
    "RETENTION_DAYS",
    "ALLOWED_NETWORKS",
    "SCRAPYD_URLS",
    "SCRAPYD_PROJECT",
    "CELERY_BROKER_URL",
    "REDIS_URL",
    "DISCORD_TOKEN",
    "SENTRY_DSN",
]
RUN_ID = "00000000-0000-0000-0000-000000000000"
RESOURCES = f"""tasks tasks/a tasks/a/pause tasks/a/resume tasks/a/run runs runs/{RUN_ID}
runs/{RUN_ID}/cancel runs/{RUN_ID}/retry runs/{RUN_ID}/logs runs/{RUN_ID}/items spiders preview
status health metrics docs""".split()
GATEWAY = "crawl search export jobs jobs/a jobs/a/status jobs/a/logs jobs/a/pause jobs/a/resume"
VERBS = [
    "list",
    "show",
    "add-cron",
    "add-interval",
    "add-once",
    "set-schedule",
    "enable",
    "disable",
    "remove",
    "run-now",
    "cancel",
    "runs",
    "log",
    "items",
    "export",
    "import",
    "backfill",
    "status",
    "spiders",
    "preview",
    "health",
    "config",
]


def names(model):
    return {field.name for field in model._meta.get_fields()}


@pytest.mark.parametrize(
    ("model", "fields"), [(Task, TASK_FIELDS), (Schedule, SCHEDULE_FIELDS), (Run, RUN_FIELDS)]
)
def test_models_have_their_fields(model, fields):
    assert not set(fields) - names(model)


def test_kinds_statuses_and_triggers_are_as_agreed():
    assert set(Schedule.Kind.values) == {"cron", "interval", "once", "after", "startup"}
    assert set(Run.Status.values) == {
        "queued", "starting", "running", "succeeded", "suspicious", "failed", "cancelled",
        "skipped", "missed",
    }  # fmt: skip
    assert set(Run.Trigger.values) == {
        "schedule", "manual", "api", "retry", "chain", "backfill", "test", "discord", "startup",
    }  # fmt: skip
    assert set(Task.Overlap.values) == {"skip", "queue", "allow", "cancel_running"}
    assert set(Task.CatchUp.values) == {"latest", "none", "all"}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_there_and_takes_keywords_only(name):
    parameters = inspect.signature(getattr(services, name)).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_is_there(name):
    assert hasattr(settings, name)


@pytest.mark.parametrize("path", RESOURCES)
def test_each_resource_answers_under_its_path(path):
    resolve(f"/api/v1/{path}")


@pytest.mark.parametrize("path", GATEWAY.split())
@pytest.mark.parametrize("root", ["/", "/api/v1/"])
def test_the_gateway_answers_under_both_roots(root, path):
    try:
        resolve(root + path)
    except Resolver404:
        pytest.fail(f"{root}{path} leads nowhere")


def test_the_commands_are_there():
    assert {"runscheduler", "tasks", "serve", "run_pipelines"} <= set(get_commands())


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself(verb, capsys):
    from django.core.management import call_command

    with pytest.raises(SystemExit) as end:
        call_command("tasks", verb, "--help")
    assert end.value.code == 0
    assert verb in capsys.readouterr().out

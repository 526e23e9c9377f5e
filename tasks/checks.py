"""What `manage.py check`, and so every start, says about the settings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tasks.channels import CHANNELS, channel_of
from tasks.executors import EXECUTORS
from tasks.executors.environment import settings_module_of
from tasks.handlers import HANDLERS, handler_of

TAG = "tasks"


@register(TAG)
def executor_is_known(**_kwargs: Any) -> list[CheckMessage]:
    if settings.SCHEDULER_EXECUTOR in EXECUTORS:
        return []
    return [
        Error(
            f"SCHEDULER_EXECUTOR is {settings.SCHEDULER_EXECUTOR},"
            " which this version cannot run spiders on.",
            hint=f"Allowed: {', '.join(EXECUTORS)}.",
            id="tasks.E001",
        )
    ]


@register(TAG)
def job_store_has_its_address(**_kwargs: Any) -> list[CheckMessage]:
    needs = {"sqlalchemy", "mongodb", "redis"}
    if settings.SCHEDULER_JOB_STORE not in needs or settings.SCHEDULER_JOB_STORE_URL:
        return []
    return [
        Error(
            f"SCHEDULER_JOB_STORE={settings.SCHEDULER_JOB_STORE} needs SCHEDULER_JOB_STORE_URL.",
            hint="Set it to the store's address, or use SCHEDULER_JOB_STORE=django.",
            id="tasks.E002",
        )
    ]


@register(TAG)
def settings_of_the_spiders_are_there(**_kwargs: Any) -> list[CheckMessage]:
    """Looked for, not imported: that is the launcher's, in a process of its own."""
    folder = Path(settings.SCRAPY_PROJECT_PATH)
    name = settings_module_of(folder, settings.SCRAPY_SETTINGS_MODULE, settings.BASE_DIR)
    if not name:
        return []
    top, *rest = name.split(".")
    module = folder.joinpath(top, *rest)
    is_own = (folder / top).is_dir() or (folder / f"{top}.py").is_file()
    found = module.with_name(f"{module.name}.py").is_file() or (module / "__init__.py").is_file()
    if found or (not is_own and find_spec(top) is not None):
        return []
    return [
        Error(
            "SCRAPY_SETTINGS_MODULE names no module that is there.",
            hint="Allowed: a module of SCRAPY_PROJECT_PATH, or one that is installed.",
            id="tasks.E003",
        )
    ]


@register(TAG)
def kinds_can_run(**_kwargs: Any) -> list[CheckMessage]:
    return [message for kind in HANDLERS for message in handler_of(kind).checks()]


@register(TAG)
def channels_can_send(**_kwargs: Any) -> list[CheckMessage]:
    return [message for name in CHANNELS for message in channel_of(name).checks()]

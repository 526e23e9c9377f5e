"""Turns a claimed run into the order that its process reads from the run folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from tasks.execution.folder import cache_folder, run_folder, state_folder
from tasks.handlers import handler_of
from tasks.models import Run
from tasks.secrets import unseal
from tasks.spider_settings import PRESET

DEMO_PATHS = ("/demo/", "/robots.txt")
LOG_BYTES = 50 * 1024 * 1024
OPEN_FILES = 4096


def prepare_folder(run: Run) -> Path:
    """Raises OSError (a full disk) or SecretUnreadable; nothing has started then."""
    folder = run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    state_folder(run.task_key).mkdir(parents=True, exist_ok=True)
    _write_private(folder / "order.json", json.dumps(order_of(run)))
    return folder


def order_of(run: Run) -> dict[str, Any]:
    chosen = dict(run.settings)
    return {
        "run_id": str(run.pk),
        "token": run.claim_token,
        "kind": run.kind,
        "spider": handler_of(run.kind).spider_of(run.spider),
        "arguments": {**run.arguments, **_secrets(run)},
        "secrets": list(run.secrets),
        "preset": str(chosen.pop(PRESET, "")),
        "settings": chosen,
        "cache_settings": cache_settings(run),
        "cache_url": settings.REDIS_URL,
        "cache_name": cache_name(run),
        "env": environment_of(run),
        "limits": {"open_files": OPEN_FILES, "log_bytes": LOG_BYTES},
        "allowed_networks": list(settings.ALLOWED_NETWORKS),
        "allowed_urls": demo_urls(),
    }


def _secrets(run: Run) -> dict[str, Any]:
    return {name: unseal(token) for name, token in run.secrets.items()}


def environment_of(run: Run) -> dict[str, str]:
    return {
        "SPIDER_RUN_ID": str(run.pk),
        "SPIDER_TASK_ID": run.task_key,
        "SPIDER_STATE_DIR": str(state_folder(run.task_key)),
    }


def demo_urls() -> list[str]:
    """The demo shop is on this very machine: allowed by its own switch, and nothing beside it."""
    if not settings.DEMO:
        return []
    site = urlsplit(settings.SITE_URL)
    return [urlunsplit((site.scheme, site.netloc, path, "", "")) for path in DEMO_PATHS]


def cache_name(run: Run) -> str:
    """Another task that is given the id of a deleted one must not take its pages for its own."""
    made = run.task.created_at.strftime("%Y%m%d%H%M%S%f") if run.task else ""
    return f"{run.task_key}:{made}"


def cache_settings(run: Run) -> dict[str, Any]:
    task = run.task
    if task is None or not task.http_cache or run.ignore_cache:
        return {"HTTPCACHE_ENABLED": False}
    return {
        "HTTPCACHE_ENABLED": True,
        "HTTPCACHE_EXPIRATION_SECS": task.http_cache_ttl,
        "HTTPCACHE_IGNORE_HTTP_CODES": [401, 403, 407, 429, 500, 502, 503, 504],
        "HTTPCACHE_DIR": str(cache_folder(task.task_id)),
        "HTTPCACHE_GZIP": True,
    }


def _write_private(path: Path, text: str) -> None:
    """Arguments may be secret: readable by the owner alone, from the first moment on."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)

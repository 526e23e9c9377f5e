"""Loads what the first page of a process takes, before anybody waits for it."""

from __future__ import annotations

import logging
from io import BytesIO
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.template.loader import get_template
from django.urls import reverse

from scheduler_site.threads import InOneGo

logger = logging.getLogger(__name__)
TEMPLATES = ("home", "_home", "task_list", "task_form", "history", "run", "_run")


def warm_up() -> None:
    """Never in the way of serving: what fails here shows itself at the page that needs it."""
    try:
        _load()
    except Exception:
        logger.warning("the first page will take longer than usual", exc_info=True)


def _load() -> None:
    """The login brings in all addresses, the middleware and the frame of pages, without the
    database, which may not be there yet."""
    handler = InOneGo()
    for language, _name in settings.LANGUAGES:
        handler.get_response(_request(reverse("admin:login"), language))
    for name in TEMPLATES:
        get_template(f"tasks/{name}.html")


def _request(path: str, language: str) -> ASGIRequest:
    site = urlsplit(settings.SITE_URL)
    headers = {"host": site.netloc, "x-forwarded-proto": site.scheme, "accept-language": language}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    return ASGIRequest(scope, BytesIO())

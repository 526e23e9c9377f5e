"""Loads what the first page of a process takes, before anybody waits for it."""

from __future__ import annotations

import gc
import logging
from io import BytesIO
from threading import Thread
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone

from scheduler_site.threads import InOneGo

logger = logging.getLogger(__name__)
# The site is not held up for longer than this by what many tasks, or a slow database, take.
PATIENCE = 1.0


def warm_up() -> None:
    """Never in the way of serving: what fails here shows itself at the page that needs it."""
    try:
        _load()
    except Exception:
        logger.warning("the first page will take longer than usual", exc_info=True)
    home = Thread(target=_read_home, name="warm-up", daemon=True)
    home.start()
    home.join(PATIENCE)
    # What is loaded stays: looking through it again would hold up some later page by a quarter
    # of a second.
    gc.collect()
    gc.freeze()


def _load() -> None:
    """The login brings in all addresses, the middleware and the frame of pages, without the
    database, which may not be there yet."""
    handler = InOneGo()
    for language, _name in settings.LANGUAGES:
        handler.get_response(_request(reverse("admin:login"), language))
    # Each with what it includes, which is found only when it is drawn.
    pages = settings.BASE_DIR / "templates"
    for path in sorted(pages.glob("[!d]*/*.html")):
        get_template(str(path.relative_to(pages)))


def _read_home() -> None:
    """Counts the starts of a week, and lets the database and Django remember its questions."""
    from tasks.web.home_data import read_home  # noqa: PLC0415 - not before Django is set up

    try:
        read_home(timezone.now(), ZoneInfo(settings.SCHEDULER_TIMEZONE))
    except Exception:
        logger.debug("the home page could not be read yet", exc_info=True)
    finally:
        connections.close_all()


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

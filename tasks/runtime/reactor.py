"""Twisted's reactor is whichever was first in a process. A file of spiders with `from
twisted.internet import reactor` at its top thereby chooses Twisted's default one. That of Scrapy
is another since 2.13, and it refuses every crawl then: docs.scrapy.org, "TWISTED_REACTOR"."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.utils.reactor import install_reactor, verify_installed_reactor

if TYPE_CHECKING:
    from scrapy.settings import Settings


def is_wrong(settings: Settings) -> bool:
    """Whether loading the project has installed another reactor than its settings want."""
    wanted = _wanted(settings)
    if wanted is None or "twisted.internet.reactor" not in sys.modules:
        return False
    try:
        verify_installed_reactor(wanted)
    except RuntimeError:
        return True
    except Exception:  # noqa: BLE001 - no such reactor: the run itself says so
        return False
    return False


def install(settings: Settings) -> None:
    """Before the spiders are loaded: what they import is the one of the settings then."""
    if (wanted := _wanted(settings)) is not None:
        install_reactor(wanted, settings["ASYNCIO_EVENT_LOOP"])


def _wanted(settings: Settings) -> str | None:
    path: str | None = settings["TWISTED_REACTOR"]
    return path if path and settings.getbool("TWISTED_REACTOR_ENABLED") else None

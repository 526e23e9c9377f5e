"""Which outside services the tests can reach, and what happens without them."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

POSTGRESQL_URL = os.environ.get(
    "TEST_POSTGRESQL_URL", "postgres://postgres@127.0.0.1:5432/postgres"
)
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
RABBITMQ_URL = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
SERVICES = (
    "postgresql", "postgresql-server", "redis", "rabbitmq", "chromium", "faketime"
)  # fmt: skip
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), 2):
            return True
    except OSError:
        return False


def chromium() -> str | None:
    given = os.environ.get("TEST_CHROMIUM")
    return given or next(filter(None, map(shutil.which, CHROMIUM)), None)


def postgresql_programs() -> str | None:
    """Where `initdb` and `pg_ctl` are: Debian keeps them beside the path."""
    folders = [Path(found).parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((str(each) for each in folders if (each / "initdb").exists()), None)


FINDERS: dict[str, Callable[[], str | None]] = {
    "postgresql": lambda: POSTGRESQL_URL if listens(POSTGRESQL_URL) else None,
    "postgresql-server": postgresql_programs,
    "redis": lambda: REDIS_URL if listens(REDIS_URL) else None,
    "rabbitmq": lambda: RABBITMQ_URL if listens(RABBITMQ_URL) else None,
    "chromium": chromium,
    "faketime": lambda: shutil.which("faketime"),
}


@cache
def find(service: str) -> str | None:
    return FINDERS[service]()


def require(service: str) -> str:
    """The service's address (or program). Without it: a skip, a failure in CI."""
    if address := find(service):
        return address
    message = f"{service} is not at hand"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{message}, and REQUIRE_SERVICES=1 asks for it", pytrace=False)
    pytest.skip(f"{message}: install or start it to run this test")

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.signals import connection_created
from django.utils import translation

from tasks.apps import limit_hung_transactions
from tests.people import People, create_people, ensure_groups
from tests.services_at_hand import SERVICES, find, require

# Processes that tests start run on the real settings, with the environment of tests.environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "scheduler_site.settings"


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what goes on in the background deaf to Ctrl-C, and so would be whatever tests
    # start: sh(1), "Asynchronous Lists".
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers",
        f"needs(*services): {', '.join(SERVICES)}; skipped where one is missing, "
        "failed with REQUIRE_SERVICES=1",
    )
    config.addinivalue_line(
        "markers", "long: takes more than ten seconds; each worker begins with its share of these"
    )
    config.addinivalue_line(
        "markers", "any_database: says the same on each; left out by --database-only"
    )


def pytest_sessionstart() -> None:
    """A test may wait for processes in the middle of its own transaction."""
    connection_created.disconnect(limit_hung_transactions)


def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores: many tests wait for processes of their own."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only", action="store_true", help="only the tests that touch the database"
    )


def names_of(item: pytest.Item) -> set[str]:
    """Of its fixtures."""
    return set(getattr(item, "fixturenames", ()))


def touches_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    fixtures = {"db", "transactional_db"} & names_of(item)
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        config.hook.pytest_deselected(items=[i for i in items if not touches_database(i)])
        items[:] = [item for item in items if touches_database(item)]
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = with_long_ones_first(items, workers)


def with_long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """xdist cuts the list into one piece for each worker. One that meets a long test last would
    keep the others waiting."""
    long = [item for item in items if item.get_closest_marker("long")]
    short = [item for item in items if not item.get_closest_marker("long")]
    piece = -(-len(short) // workers)
    pieces = [[*long[n::workers], *short[n * piece : (n + 1) * piece]] for n in range(workers)]
    return [item for each in pieces for item in each]


def pytest_report_header() -> str:
    missing = [service for service in SERVICES if not find(service)]
    return f"database: {connection.vendor}; not at hand: {', '.join(missing) or 'nothing'}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for service in mark.args:
            require(service)


BLOCKER = pytest.StashKey[Any]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """A test with real transactions leaves empty tables, which have groups in every site."""
    yield
    blocker = item.config.stash.get(BLOCKER, None)
    if blocker is not None and (touches_database(item) or "live_server" in names_of(item)):
        with blocker.unblock():
            ensure_groups()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: Any, pytestconfig: pytest.Config
) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is still connected to: a live server's thread."""
    pytestconfig.stash[BLOCKER] = django_db_blocker
    yield
    pytestconfig.stash[BLOCKER] = None
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """No test leaves its language to the next one."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """Every test has its own data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    settings.DATA_DIR = folder
    return folder


@pytest.fixture
def process_env(transactional_db: None, data_dir: Path) -> dict[str, str]:
    """The environment for a real process (`manage.py ...`) on this test's tables and folder."""
    return {**os.environ, "DATA_DIR": str(data_dir), "DATABASE_URL": database_url()}


def database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    user, password = config["USER"], config["PASSWORD"]
    login = f"{user}:{password}@" if password else f"{user}@"
    return f"postgres://{login}{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def people(db: None) -> People:
    return create_people()


@pytest.fixture
def maja(people: People) -> User:
    return people.maja


@pytest.fixture
def viktor(people: People) -> User:
    return people.viktor


@pytest.fixture
def olof(people: People) -> User:
    return people.olof


@pytest.fixture
def anna(people: People) -> User:
    return people.anna


@pytest.fixture
def postgresql_url() -> str:
    return require("postgresql")


@pytest.fixture
def redis_url() -> str:
    return require("redis")


@pytest.fixture
def rabbitmq_url() -> str:
    return require("rabbitmq")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium per file of tests: its event loop would trouble other files's."""
    program = require("chromium")
    from playwright.sync_api import expect, sync_playwright

    # As long as a page waits for a field or a button: five seconds pass where others work as well.
    expect.set_options(timeout=15_000)

    # Playwright keeps an event loop in this thread, which Django would take for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ]  # fmt: skip
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]

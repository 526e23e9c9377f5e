"""Whatever is sent to the API, it answers as its description says, and never with a 5xx."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema

from tasks.api.app import api
from tasks.models import SchedulerProcess, Task

from .conftest import token_for

pytestmark = pytest.mark.django_db

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
# More of them for a thorough look by hand.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "8"))
FEW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)


def operations() -> list[tuple[str, str]]:
    """Method and path of each. To have schemathesis collect them would cost each worker seconds."""
    found = []
    for _prefix, router in api._routers:
        for path, view in router.path_operations.items():
            plain = "/api/v1" + re.sub(r"{\w+:(\w+)}", r"{\1}", path)
            found += [(method, plain) for each in view.operations for method in each.methods]
    # Streams need a server; tests of their own follow them.
    return sorted((method, path) for method, path in found if not path.endswith("/logs"))


@pytest.fixture(scope="session")
def description(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> BaseSchema:
    with django_db_blocker.unblock():
        found = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    # That input fits the description doesn't make it right: the spider must exist, and so on.
    found.config.checks.positive_data_acceptance.enabled = False
    return found.exclude(path_regex="/logs$")


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The test's transaction goes on after each request, as with Django's own test client."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """CPython 3.11 fails in ast.parse(), which Hypothesis needs, when it collects meanwhile."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def headers(maja: User, shop: Task, one_connection: None, no_collection: None) -> dict[str, str]:
    now = timezone.now()
    SchedulerProcess.objects.create(
        name="here:1", host="here", pid=1, started_at=now, seen_at=now + timedelta(hours=1),
        is_leader=True,
    )  # fmt: skip
    return {"Authorization": f"Bearer {token_for(maja)}"}


def test_every_operation_is_tested(description: BaseSchema) -> None:
    described = [each.ok() for each in description.get_all_operations()]
    assert operations() == sorted((each.method.upper(), each.path) for each in described if each)


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_operation_keeps_to_its_description(
    description: BaseSchema, headers: dict[str, str], method: str, path: str
) -> None:
    def keeps(case: Any) -> None:
        case.call_and_validate(headers=headers)

    one = description.include(method=method, path=path)
    [found] = get_all_tests(schema=one, test_func=keeps, settings=FEW, given_kwargs={})
    _operation, test = found.ok()
    test()


def test_operations_in_a_row_keep_to_their_description(
    description: BaseSchema, headers: dict[str, str]
) -> None:
    chained = description.clone()
    chained.config.headers = headers
    # These headers also replace the wrong ones that this check sends.
    chained.config.checks.ignored_auth.enabled = False
    chained.as_state_machine().run(
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=6, deadline=None, suppress_health_check=SLOW
        )
    )

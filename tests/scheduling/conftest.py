from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from tasks.scheduling import registry
from tasks.scheduling.jobstore import ScheduleJobStore
from tasks.scheduling.lease import Lease
from tasks.scheduling.timekeeper import Timekeeper
from tests.scheduling.helpers import NOON


class Watch:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    registry.known.clear()
    yield
    registry.known.clear()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def store(db: None) -> ScheduleJobStore:
    return ScheduleJobStore()


@pytest.fixture
def make_keeper(db: None, watch: Watch) -> Callable[..., Timekeeper]:
    def make(name: str = "one", agenda: object = None) -> Timekeeper:
        return Timekeeper(
            agenda=agenda or ScheduleJobStore(), lease=Lease(holder=name), clock=watch
        )

    return make


@pytest.fixture
def keeper(make_keeper: Callable[..., Timekeeper]) -> Timekeeper:
    return make_keeper()

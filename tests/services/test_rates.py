from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tasks.models import RateCount
from tasks.services import rates

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    class Clock:
        now = 6_000_000_000.0

    monkeypatch.setattr(rates.time, "time", lambda: Clock.now)
    rates.forget()
    yield Clock
    rates.forget()


def asked(number, caller="token:1", most=1000):
    return sum(rates.may_ask(caller, most=most) for _ in range(number))


def test_a_caller_gets_the_limit_in_each_minute_and_not_one_more(clock):
    assert (asked(1200), asked(10, "token:2")) == (1000, 10)
    clock.now += 60
    assert asked(3) == 3
    assert RateCount.objects.count() == 2


@pytest.mark.parametrize("most", [1, 3, 150])
def test_the_limit_is_exact_however_small(most):
    assert asked(200, most=most) == most


def test_processes_share_one_limit(clock):
    mine, others = rates._allowances, {}
    allowed = 0
    for _ in range(600):
        allowed += asked(2)
        # What the next process remembers is its own.
        mine_before, rates._allowances = rates._allowances, others
        others = mine_before
    rates._allowances = mine
    assert allowed == 1000


def test_few_requests_cost_a_statement_and_none_does_once_it_is_spent():
    with CaptureQueriesContext(connection) as caught:
        asked(1000)
    assert len(caught) == 100
    asked(1)
    with CaptureQueriesContext(connection) as caught:
        assert asked(50) == 0
    assert len(caught) == 0


def test_a_database_that_is_away_limits_nobody(monkeypatch):
    def gone():
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", gone)
    assert asked(5) == 5

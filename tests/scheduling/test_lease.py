from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from tasks.models import SchedulerLease
from tasks.scheduling.lease import MARGIN, RENEW_EVERY, TTL, Lease, NotLeading

pytestmark = pytest.mark.django_db


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def one(ticks):
    return Lease("one", clock=ticks)


@pytest.fixture
def other(ticks):
    return Lease("other", clock=ticks)


def expire() -> None:
    SchedulerLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_the_first_takes_it_and_the_second_waits(one, other):
    assert one.keep()
    assert not other.keep()
    assert (one.epoch, one.led_until) == (1, None)
    assert SchedulerLease.objects.get().holder == "one"


def test_it_is_renewed_in_time_and_costs_nothing_between(one, ticks, django_assert_num_queries):
    one.keep()
    # SQLite's clock has milliseconds, of which both may see the same.
    expires = SchedulerLease.objects.get().expires_at - timedelta(seconds=1)
    SchedulerLease.objects.update(expires_at=expires)
    ticks.now += RENEW_EVERY - 0.1
    with django_assert_num_queries(0):
        assert one.keep()
    ticks.now += 0.2
    assert one.keep()
    assert SchedulerLease.objects.get().expires_at > expires
    assert one.epoch == 1


def test_one_that_waits_for_it_asks_once(one, other, django_assert_num_queries):
    one.keep()
    with django_assert_num_queries(1):
        assert not other.keep()


def test_an_expired_lease_goes_to_the_next_with_a_new_epoch(one, other):
    one.keep()
    expire()
    assert other.keep()
    assert other.epoch == 2
    assert other.led_until is not None


@pytest.mark.parametrize("gave_it_up", [True, False])
def test_a_lease_from_before_the_databases_clock_was_set_back_holds_nobody_up(
    one, other, gave_it_up
):
    one.keep()
    if gave_it_up:
        one.release()
    SchedulerLease.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    assert other.keep()
    assert other.epoch == 2
    with pytest.raises(NotLeading), transaction.atomic():
        one.check()


def test_a_leader_that_hung_learns_that_it_no_longer_leads(one, other, ticks):
    one.keep()
    expire()
    other.keep()
    ticks.now += 20
    assert not one.keep()
    assert one.epoch is None


def test_a_leader_stops_a_second_before_its_lease_ends(one, ticks):
    one.keep()
    ticks.now += TTL.total_seconds() - MARGIN
    assert not one.is_held
    with transaction.atomic(), pytest.raises(NotLeading):
        one.check()


def test_a_firing_under_an_old_epoch_is_refused(one, other):
    one.keep()
    expire()
    other.keep()
    with transaction.atomic():
        other.check()
    with transaction.atomic(), pytest.raises(NotLeading):
        one.check()


def test_a_hung_leader_that_nobody_replaced_goes_on(one, ticks):
    one.keep()
    ticks.now += 60
    assert one.keep()
    assert one.epoch == 1


def test_giving_it_up_lets_the_next_lead_at_once(one, other):
    one.keep()
    one.release()
    assert other.keep()
    assert timezone.now() - other.led_until < timedelta(seconds=5)
    one.release()  # no longer ours: nothing happens
    assert SchedulerLease.objects.get().holder == "other"


def test_after_a_crash_it_is_known_until_when_somebody_led(one, other):
    one.keep()
    ended = timezone.now() - timedelta(seconds=30)
    SchedulerLease.objects.update(expires_at=ended)
    other.keep()
    assert other.led_until == ended - TTL

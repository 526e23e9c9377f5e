from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.models import Alert, Run
from tests.scheduling.helpers import HOUR, MINUTE, NOON, fire_at, make_schedule

pytestmark = pytest.mark.django_db
MAJA = "maja@company.example"
TOLD = {"alert_to": [MAJA], "alert_on": ["missed"], "catch_up": "none"}


def test_a_long_outage_tells_once_for_each_task():
    first = make_schedule(cron="*/5 * * * *", task=TOLD)
    second = make_schedule(key="other", cron="*/7 * * * *")
    another = make_schedule("quiet", cron="*/5 * * * *")
    fire_at(NOON + 24 * HOUR, first, second, another)
    alert = Alert.objects.get()
    assert (alert.kind, alert.recipient, alert.status) == ("missed", MAJA, "pending")
    newest = Run.objects.filter(task=first.task, status="missed").newest_first().first()
    assert alert.run == newest


def test_firing_it_again_tells_nothing_more():
    schedule = make_schedule(task=TOLD)
    fire_at(NOON + 5 * HOUR + 30 * MINUTE, schedule)
    fire_at(NOON + 9 * HOUR + 30 * MINUTE, schedule)
    assert Alert.objects.count() == 1
    Alert.objects.update(status="sent")
    fire_at(NOON + 12 * HOUR + 30 * MINUTE, schedule)
    assert Alert.objects.count() == 2


def test_what_starts_in_time_or_is_held_tells_nobody():
    schedule = make_schedule(task=TOLD)
    fire_at(NOON + HOUR, schedule)
    assert not Alert.objects.exists()


def test_a_firing_that_is_taken_back_takes_its_alert_back():
    schedule = make_schedule(task=TOLD)
    with pytest.raises(ZeroDivisionError):
        fire_at(NOON + 5 * HOUR, schedule, store=lambda due: 1 / 0)
    assert not Alert.objects.exists()


def test_alerts_cost_one_statement_and_none_where_nobody_wants_any():
    def statements(prefix, count, task):
        due = [make_schedule(f"{prefix}-{n}", task={**task}) for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            fire_at(NOON + 5 * HOUR + 30 * MINUTE, *due)
        return len(queries)

    none = statements("none", 20, {"catch_up": "none"})
    assert statements("few", 3, TOLD) == none + 1
    assert statements("many", 40, TOLD) == none + 1
    assert Alert.objects.count() == 43

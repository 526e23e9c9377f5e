from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run, Schedule, Task
from tasks.web.home_data import read_home

pytestmark = pytest.mark.django_db


def test_a_task_of_every_minute_fills_the_whole_day():
    task = Task.objects.create(task_id="often", name="Often", spider="shop")
    Schedule.objects.create(task=task, key="a", kind="cron", cron="* * * * *")
    now = timezone.now()
    (lane,) = read_home(now, now.tzinfo).lanes
    assert lane.count == 1440
    assert lane.track.count("M") == 1
    assert "H1440.0" in lane.track


def test_a_task_of_once_an_hour_shows_each_run():
    task = Task.objects.create(task_id="hourly", name="Hourly", spider="shop")
    Schedule.objects.create(task=task, key="a", kind="interval", hours=1)
    now = timezone.now() + timedelta(seconds=1)
    (lane,) = read_home(now, now.tzinfo).lanes
    assert lane.count == lane.track.count("M") == 24


def test_what_does_not_fit_into_the_picture_is_counted(client, maja):
    for number in range(14):
        task = Task.objects.create(task_id=f"t{number}", name=f"T{number}", spider="shop")
        Schedule.objects.create(task=task, key="a", kind="interval", hours=1)
    client.force_login(maja)
    page = client.get(reverse("admin:index")).content.decode()
    assert "2 more tasks start in these 24 hours" in page


def test_a_home_page_of_many_tasks_asks_no_more_often_than_one_of_few(client, maja):
    def asked():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("admin:index")).status_code == 200
        return len(captured)

    def add(first, last):
        tasks = Task.objects.bulk_create(
            Task(task_id=f"task-{n}", name=f"Task {n}", spider="shop") for n in range(first, last)
        )
        Schedule.objects.bulk_create(
            Schedule(task=task, key="a", kind="cron", cron="0 6 * * *") for task in tasks
        )
        at = timezone.now()
        Run.objects.bulk_create(
            Run(task=task, task_key="a", task_name="A", trigger="schedule", status="failed", at=at)
            for task in tasks
        )

    client.force_login(maja)
    add(0, 2)
    asked()
    few = asked()
    add(2, 40)
    assert asked() == few
    assert few < 25

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from tasks.models import Schedule, Task
from tasks.web.home_data import read_home

pytestmark = pytest.mark.django_db


def test_a_task_of_every_minute_fills_the_whole_day():
    task = Task.objects.create(task_id="often", name="Often", spider="shop")
    Schedule.objects.create(task=task, key="a", kind="cron", cron="* * * * *")
    now = timezone.now()
    (lane,) = read_home(now, now.tzinfo).lanes
    assert lane.count == 1440
    starts = [float(part.split('"')[0]) for part in lane.track.split('<rect x="')[1:]]
    assert starts[-1] > 1430
    assert max(later - before for before, later in pairwise(starts)) < 5.1


def test_a_task_of_once_an_hour_shows_each_run():
    task = Task.objects.create(task_id="hourly", name="Hourly", spider="shop")
    Schedule.objects.create(task=task, key="a", kind="interval", hours=1)
    now = timezone.now() + timedelta(seconds=1)
    (lane,) = read_home(now, now.tzinfo).lanes
    assert lane.count == lane.track.count("<rect") == 24

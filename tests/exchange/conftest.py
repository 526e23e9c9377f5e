from __future__ import annotations

from copy import deepcopy

import pytest
from django.utils import timezone

from tasks.models import SpiderInfo, Task
from tasks.services import create_task
from tests.commands.conftest import SCHEMA


@pytest.fixture
def shop_spider(db: None) -> SpiderInfo:
    return SpiderInfo.objects.create(
        name="shop", title="Shop prices", schema=deepcopy(SCHEMA), seen_at=timezone.now()
    )


@pytest.fixture
def shop(shop_spider: SpiderInfo) -> Task:
    return create_task(
        task_id="shop",
        name="Shop prices",
        spider="shop",
        arguments={"max_pages": 3, "password": "swordfish"},
        schedules=[{"kind": "cron", "cron": "0 6 * * *", "timezone": "Europe/Stockholm"}],
    )

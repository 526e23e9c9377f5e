from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.models import SpiderInfo, Task
from tasks.services import create_task

SHOP_SCHEMA = {
    "type": "object",
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "max_pages": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        "ratio": {"type": "number", "maximum": 1},
        "currency": {"$ref": "#/$defs/Currency"},
        "sold_out": {"type": "boolean"},
        "password": {"type": "string", "secret": True},
    },
    "required": ["start_urls"],
    "$defs": {"Currency": {"enum": ["SEK", "EUR"], "type": "string"}},
}
ARGUMENTS = {"start_urls": ["https://shop.example/shoes"]}


@pytest.fixture
def shop_spider(db: None) -> SpiderInfo:
    return SpiderInfo.objects.create(name="shop", schema=SHOP_SCHEMA, seen_at=timezone.now())


@pytest.fixture
def shop(shop_spider: SpiderInfo) -> Task:
    return create_task(
        task_id="shop",
        name="Shop prices",
        spider="shop",
        arguments=ARGUMENTS,
        schedules=[{"kind": "cron", "cron": "0 6 * * *"}],
    )

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.models import SpiderInfo

pytestmark = pytest.mark.django_db


def test_arguments_keep_the_order_in_which_the_spider_declares_them():
    properties = {name: {"type": "string"} for name in ("start_urls", "depth", "a", "zone", "b2")}
    schema = {"type": "object", "properties": properties, "required": ["depth"]}
    SpiderInfo.objects.create(name="shop", schema=schema, seen_at=timezone.now())
    stored = SpiderInfo.objects.get()
    assert stored.schema == schema
    assert list(stored.schema["properties"]) == list(properties)

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import Any

from itemadapter import ItemAdapter
from scrapy.exceptions import DropItem

# C0 and C1 controls but tab and line break, and lone surrogates, which no encoder writes.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNWANTED.sub("", value)
    if isinstance(value, list):
        return [clean(each) for each in value]
    if isinstance(value, dict):
        return {clean(key): clean(each) for key, each in value.items()}
    return value


def fingerprint(item: Any) -> bytes:
    text = json.dumps(ItemAdapter(item).asdict(), sort_keys=True, default=str)
    return blake2b(f"{type(item).__name__}{text}".encode(), digest_size=16).digest()


class CleanTextPipeline:
    def process_item(self, item: Any) -> Any:
        adapter = ItemAdapter(item)
        for name, value in adapter.items():
            adapter[name] = clean(value)
        return item


class DropDuplicatesPipeline:
    def __init__(self) -> None:
        self.seen: set[bytes] = set()

    def process_item(self, item: Any) -> Any:
        key = fingerprint(item)
        if key in self.seen:
            raise DropItem("The same item was found before", log_level="DEBUG")
        self.seen.add(key)
        return item

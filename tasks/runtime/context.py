from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .addresses import Rules
from .order import Order

SETTING = "SPIDER_SCHEDULER_RUN"


@dataclass
class RunContext:
    """What our parts inside the crawl share. Travels through the crawl's settings."""

    folder: Path
    order: Order
    rules: Rules
    refused: list[str] = field(default_factory=list)
    bootstrap_error: dict[str, str] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    start_requests: bool = False

    def __deepcopy__(self, memo: dict[int, Any]) -> RunContext:
        # Scrapy copies settings for each crawler: this must stay the one object.
        return self

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from .addresses import Rules
from .files import Json
from .order import Order
from .redact import hidden, hider

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
    may_find_nothing: bool = False

    @cached_property
    def _hide(self) -> Callable[[str], str]:
        return hider(self.order.secret_values())

    def without_secrets(self, said: Json) -> Json:
        """What the run says goes to pages, lists and logs."""
        return cast("Json", hidden(said, self._hide)) if self.order.secrets else said

    def __deepcopy__(self, memo: dict[int, Any]) -> RunContext:
        # Scrapy copies settings for each crawler: this must stay the one object.
        return self

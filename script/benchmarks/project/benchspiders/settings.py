from __future__ import annotations

BOT_NAME = "bench"
SPIDER_MODULES = ["benchspiders.spiders"]
LOG_LEVEL = "INFO"

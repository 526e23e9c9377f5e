from __future__ import annotations

import os

# Packages called "spiders" and "tasks", as other people's projects have them.
BOT_NAME = "wild"
SPIDER_MODULES = ["spiders"]
ITEM_PIPELINES = {"tasks.Stamp": 300}
DOWNLOAD_TIMEOUT = 5
RETRY_TIMES = 0
SPIDER_SCHEDULER_PRESETS = {
    "to_storage": {"FEEDS": {os.environ.get("SPIDER_FEED", ""): {"format": "jsonlines"}}},
    "to_unknown_format": {"FEEDS": {"/tmp/items.odd": {"format": "odd"}}},
    "to_unknown_storage": {"FEEDS": {"odd://items": {"format": "json"}}},
    "without_feeds": {
        "FEEDS": {"odd://items": {"format": "json"}},
        "EXTENSIONS": {"scrapy.extensions.feedexport.FeedExporter": None},
    },
    "to_nowhere": {"FEEDS": {"/proc/nowhere/items.json": {"format": "json"}}},
}

from __future__ import annotations

import os

BOT_NAME = "browser"
SPIDER_MODULES = ["spiders"]
HANDLER = "scrapy_playwright.handler.ScrapyPlaywrightDownloadHandler"
DOWNLOAD_HANDLERS = {"http": HANDLER, "https": HANDLER}
PLAYWRIGHT_LAUNCH_OPTIONS = {
    "executable_path": os.environ.get("SPIDER_CHROMIUM", "chromium"),
    "args": ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
}
RETRY_ENABLED = False

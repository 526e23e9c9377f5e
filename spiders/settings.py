from __future__ import annotations

from pathlib import Path

BOT_NAME = "SpiderScheduler"
USER_AGENT = "SpiderScheduler/0.1 (Scrapy; obeys robots.txt)"
ROBOTSTXT_USER_AGENT = "SpiderScheduler"

_SUPPORT = {"__init__", "items", "middlewares", "params", "pipelines", "settings", "state"}

# One entry per file: a spider that doesn't import is then reported without hiding the others.
SPIDER_MODULES = [
    f"spiders.{path.stem}"
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in _SUPPORT
]
NEWSPIDER_MODULE = "spiders"
SPIDER_LOADER_WARN_ONLY = True

TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"

# Both open a port that runs Python for whoever reaches it.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

ROBOTSTXT_OBEY = True
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 0.5
AUTOTHROTTLE_MAX_DELAY = 30.0
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
DOWNLOAD_DELAY = 0.5
CONCURRENT_REQUESTS_PER_DOMAIN = 4
DOWNLOAD_TIMEOUT = 60
DOWNLOAD_MAXSIZE = 20 * 1024 * 1024
DOWNLOAD_WARNSIZE = 5 * 1024 * 1024
DOWNLOAD_VERIFY_CERTIFICATES = True
REDIRECT_MAX_TIMES = 10
RETRY_TIMES = 2

DOWNLOADER_MIDDLEWARES = {"spiders.middlewares.PageLimitMiddleware": 840}
ITEM_PIPELINES = {
    "spiders.pipelines.CleanTextPipeline": 100,
    "spiders.pipelines.DropDuplicatesPipeline": 200,
}

FEED_EXPORT_ENCODING = "utf-8"
LOG_LEVEL = "INFO"

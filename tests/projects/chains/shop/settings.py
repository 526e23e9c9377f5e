from __future__ import annotations

SPIDER_MODULES = ["shop.spiders"]

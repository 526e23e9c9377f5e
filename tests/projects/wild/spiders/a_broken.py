from __future__ import annotations

import scrapy

import a_module_that_nobody_has  # noqa: F401


class Broken(scrapy.Spider):
    name = "broken_import"

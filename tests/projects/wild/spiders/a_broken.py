from __future__ import annotations

import a_module_that_nobody_has  # noqa: F401
import scrapy


class Broken(scrapy.Spider):
    name = "broken_import"

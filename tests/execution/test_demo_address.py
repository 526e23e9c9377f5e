from __future__ import annotations

import os
import subprocess
import sys

from tasks.execution.worker import local_executor
from tasks.runtime.addresses import problem_of_url
from tasks.services.addresses import address_rules

PRINT = (
    "from spiders.search import SearchSpider as S;"
    "print(S.get_param_schema()['properties']['demo_url']['default'])"
)


def test_the_search_finds_the_demo_shop_on_whatever_port_it_stands(settings):
    settings.DEMO, settings.SITE_URL = True, "http://127.0.0.1:8123"
    environment = {**os.environ, **local_executor()._environment}
    program = [sys.executable, "-c", PRINT]
    told = subprocess.check_output(program, env=environment, text=True, cwd=settings.BASE_DIR)
    assert told.strip() == "http://127.0.0.1:8123/demo/"
    assert problem_of_url(told.strip(), address_rules()) is None


def test_no_demo_shop_is_told_of_where_it_is_off(settings):
    settings.DEMO = False
    assert "DEMO_URL" not in local_executor()._environment

from __future__ import annotations

import pytest

from tasks.checks import (
    executor_is_known,
    job_store_has_its_address,
    settings_of_the_spiders_are_there,
)
from tests.environment import ROOT


def test_an_executor_that_is_not_there_stops_the_start(settings):
    assert executor_is_known() == []
    settings.SCHEDULER_EXECUTOR = "scrapyd"
    (error,) = executor_is_known()
    assert "SCHEDULER_EXECUTOR" in error.msg


def test_a_job_store_without_its_address_stops_the_start(settings):
    assert job_store_has_its_address() == []
    settings.SCHEDULER_JOB_STORE = "redis"
    (error,) = job_store_has_its_address()
    assert "SCHEDULER_JOB_STORE_URL" in error.msg
    settings.SCHEDULER_JOB_STORE_URL = "redis://127.0.0.1:6379/5"
    assert job_store_has_its_address() == []


@pytest.mark.parametrize("name", ["spiders.settings", "json.decoder"])
def test_settings_of_the_project_or_of_a_package_are_found(settings, name):
    settings.SCRAPY_SETTINGS_MODULE = name
    assert settings_of_the_spiders_are_there() == []


@pytest.mark.parametrize("name", ["spiders.nosuch", "nosuch.settings", "nosuch"])
def test_settings_of_spiders_that_are_not_there_stop_the_start(settings, name):
    settings.SCRAPY_SETTINGS_MODULE = name
    (error,) = settings_of_the_spiders_are_there()
    assert "SCRAPY_SETTINGS_MODULE" in error.msg


def test_another_project_names_its_settings_in_its_own_file(settings):
    settings.SCRAPY_PROJECT_PATH = str(ROOT / "tests" / "projects" / "wild")
    assert settings_of_the_spiders_are_there() == []

from __future__ import annotations

from tasks.checks import executor_is_known, job_store_has_its_address


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

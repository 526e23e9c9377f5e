from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.spider_settings import SPIDER_SETTINGS, InvalidSetting, clean_settings


@pytest.mark.parametrize(
    ("name", "raw", "cleaned"),
    [
        ("DOWNLOAD_DELAY", "1.5", 1.5),
        ("DOWNLOAD_DELAY", 2, 2.0),
        ("CONCURRENT_REQUESTS", "64", 64),
        ("CONCURRENT_REQUESTS_PER_DOMAIN", 16.0, 16),
        ("RETRY_TIMES", 10, 10),
        ("COOKIES_ENABLED", "off", False),
        ("ROBOTSTXT_OBEY", True, True),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("PRESET", "to_s3", "to_s3"),
        ("USER_AGENT", " Price watch (ops@shop.example) ", "Price watch (ops@shop.example)"),
    ],
)
def test_allowed_values_are_typed(name, raw, cleaned):
    result = clean_settings({name: raw})[name]
    assert (result, type(result)) == (cleaned, type(cleaned))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("CONCURRENT_REQUESTS", 65),
        ("CONCURRENT_REQUESTS", 1.5),
        ("CONCURRENT_REQUESTS_PER_DOMAIN", 17),
        ("RETRY_TIMES", 11),
        ("DOWNLOAD_MAXSIZE", 0),
        ("DOWNLOAD_MAXSIZE", 2**40),
        ("DOWNLOAD_DELAY", "nan"),
        ("DOWNLOAD_DELAY", float("inf")),
        ("DOWNLOAD_DELAY", True),
        pytest.param("DOWNLOAD_DELAY", 10**400, id="a number beyond floats"),
        ("DOWNLOAD_DELAY", "9" * 5000),
        ("DOWNLOAD_DELAY", None),
        ("ROBOTSTXT_OBEY", False),
        ("COOKIES_ENABLED", "perhaps"),
        ("COOKIES_ENABLED", None),
        ("COOKIES_ENABLED", []),
        pytest.param("COOKIES_ENABLED", 10**5000, id="a huge number"),
        ("LOG_LEVEL", "NOISY"),
        ("USER_AGENT", "a\r\nX-Evil: 1"),
        ("USER_AGENT", "a\x00"),
        ("USER_AGENT", ""),
        ("PRESET", "../etc"),
        ("PRESET", ""),
        ("USER_AGENT", "a" * 301),
    ],
)
def test_values_out_of_bounds_are_refused_with_the_field_named(name, raw):
    with pytest.raises(InvalidSetting) as refused:
        clean_settings({name: raw})
    assert refused.value.field == name


@pytest.mark.parametrize(
    "name",
    [
        "ITEM_PIPELINES",
        "EXTENSIONS",
        "ADDONS",
        "FEEDS",
        "JOBDIR",
        "LOG_FILE",
        "DUPEFILTER_CLASS",
        "SPIDER_MODULES",
        "DOWNLOADER_MIDDLEWARES",
        "FILES_STORE",
        "HTTPCACHE_DIR",
        "TWISTED_REACTOR",
        "DNS_RESOLVER",
        "TWISTED_DNS_RESOLVER",
        "TELNETCONSOLE_ENABLED",
        "REMOTE_CONTROL_ENABLED",
        "download_delay",
        "",
    ],
)
def test_settings_that_could_run_code_or_write_files_are_refused(name):
    with pytest.raises(InvalidSetting) as refused:
        clean_settings({name: "1"})
    assert refused.value.field == name


@given(st.sampled_from(sorted(SPIDER_SETTINGS)), st.one_of(st.text(), st.integers(), st.floats()))
def test_whatever_comes_in_is_either_cleaned_for_good_or_refused(name, raw):
    try:
        once = clean_settings({name: raw})
    except InvalidSetting:
        return
    assert clean_settings(once) == once

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.models import SpiderInfo, Task
from tasks.services import create_task
from tasks.services.addresses import problem_of_address
from tasks.services.arguments import clean_arguments
from tasks.services.errors import InvalidInput

pytestmark = pytest.mark.django_db

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.dictionaries(st.sampled_from(["start_urls", "max_pages", "ratio", "x"]), ANYTHING))
def test_whatever_is_given_is_taken_or_refused_by_name(shop_spider, raw):
    refused, task = set(), None
    try:
        task = create_task(task_id="any", name="Any", spider="shop", arguments=raw)
    except InvalidInput as refusal:
        refused = set(refusal.errors)
    assert (task is None) == bool(refused)
    assert all(field.startswith("arguments.") for field in refused)
    Task.objects.all().delete()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:8000/admin/", "http://10.1.2.3/", "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/", "http://2130706433/", "http://0x7f.1/",
        "http://[::ffff:10.0.0.1]/", "file:///etc/passwd", "ftp://shop.example/", "javascript:1",
        "http://shop.example\\@10.0.0.1/", "//shop.example", "", "not an address",
    ],
)  # fmt: skip
def test_addresses_inside_the_house_are_refused_when_saved(shop_spider, url):
    with pytest.raises(InvalidInput) as refusal:
        clean_arguments(spider="shop", raw={"start_urls": ["https://shop.example/", url or "x"]})
    assert "arguments.start_urls" in refusal.value.errors


def test_an_allowed_network_is_reached(shop_spider, settings):
    settings.ALLOWED_NETWORKS = ["10.0.0.0/8"]
    assert problem_of_address("http://10.1.2.3/") is None
    assert problem_of_address("http://192.168.1.1/") is not None


def test_the_demo_is_reached_only_when_it_is_on(settings):
    settings.SITE_URL = "http://127.0.0.1:8123"
    settings.DEMO = True
    assert problem_of_address("http://127.0.0.1:8123/demo/") is None
    assert problem_of_address("http://127.0.0.1:8123/admin/") is not None
    settings.DEMO = False
    assert problem_of_address("http://127.0.0.1:8123/demo/") is not None


def test_a_comma_inside_an_address_stays(shop_spider):
    schema = shop_spider.schema
    schema["properties"]["start_urls"]["format"] = "uri-list"
    SpiderInfo.objects.update(schema=schema)
    raw = {"start_urls": "https://a.example/1,2\nhttps://b.example,https://c.example"}
    cleaned = clean_arguments(spider="shop", raw=raw)
    assert cleaned.plain["start_urls"] == [
        "https://a.example/1,2",
        "https://b.example",
        "https://c.example",
    ]


@pytest.mark.parametrize("between", [" ", "\n", ",", ", "])
def test_a_text_of_several_addresses_is_taken_and_each_is_looked_at(shop_spider, between):
    """As spiders take them that split what `-a start_urls=...` gives them."""
    schema = {"properties": {"start_urls": {"type": "string"}}}
    SpiderInfo.objects.update(schema=schema)
    text = between.join(["https://a.example/1,2", "http://b.example/"])
    assert clean_arguments(spider="shop", raw={"start_urls": text}).plain == {"start_urls": text}
    with pytest.raises(InvalidInput, match=r"10\.1\.2\.3"):
        clean_arguments(spider="shop", raw={"start_urls": f"{text}{between}http://10.1.2.3/"})

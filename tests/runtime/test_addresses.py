from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.addresses import Rules, problem_of_connection, problem_of_url

STRICT = Rules()
DEMO = Rules.of(urls=["http://127.0.0.1:8000/demo/", "http://127.0.0.1:8000/robots.txt"])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://example.com:8080/a?b=c#d",
        "https://8.8.8.8/",
        "http://[2606:4700::1111]/",
        "https://münchen.example/straße",
        "http://user:word@example.com/",
    ],
)
def test_public_addresses_are_fine(url):
    assert problem_of_url(url, STRICT) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/plain,x", "scheme"),
        ("s3://bucket/key", "scheme"),
        ("example.com", "scheme"),
        ("http://", "malformed"),
        ("http:///path", "malformed"),
        ("http://exa mple.com/", "malformed"),
        ("http://example.com\\@127.0.0.1/", "malformed"),
        ("http://example.com\r\nHost: x/", "malformed"),
        ("http://[::1", "malformed"),
        ("http://example.com:99999/", "malformed"),
        ("http://2130706433/", "malformed"),
        ("http://0x7f000001/", "malformed"),
        ("http://0177.0.0.1/", "malformed"),
        ("http://127.1/", "malformed"),
        ("http://127.0.0.1/", "private"),
        ("http://127.0.0.1./", "private"),
        ("http://localhost/", "private"),
        ("http://LOCALHOST./", "private"),
        ("http://a.localhost/", "private"),
        ("http://printer.local/", "private"),
        ("http://metadata.google.internal/", "private"),
        ("http://10.1.2.3/", "private"),
        ("http://172.16.0.1/", "private"),
        ("http://192.168.1.1/", "private"),
        ("http://100.64.0.1/", "private"),
        ("http://169.254.169.254/latest/meta-data/", "private"),
        ("http://0.0.0.0/", "private"),
        ("http://224.0.0.1/", "private"),
        ("http://255.255.255.255/", "private"),
        ("http://198.18.0.1/", "private"),
        ("http://[::1]/", "private"),
        ("http://[::]/", "private"),
        ("http://[::ffff:127.0.0.1]/", "private"),
        ("http://[::ffff:7f00:1]/", "private"),
        ("http://[64:ff9b::7f00:1]/", "private"),
        ("http://[64:ff9b::a00:1]/", "private"),
        ("http://[2002:7f00:1::]/", "private"),
        ("http://[2001:0:7f00:1::]/", "private"),
        ("http://[fe80::1]/", "private"),
        ("http://[fc00::1]/", "private"),
        ("http://[fd00:ec2::254]/", "private"),
        ("http://[ff02::1]/", "private"),
        ("http://１２７.０.０.１/", "malformed"),
        ("http://127。0。0。1/", "malformed"),
    ],
)
def test_other_addresses_are_refused(url, problem):
    assert problem_of_url(url, STRICT) == problem


def test_an_allowed_network_is_allowed_and_no_other():
    rules = Rules.of(networks=["10.0.0.0/8"])
    assert problem_of_url("http://10.1.2.3/", rules) is None
    assert problem_of_url("http://[::ffff:10.1.2.3]/", rules) is None
    assert problem_of_url("http://wiki.internal/", rules) is None
    assert problem_of_url("http://192.168.1.1/", rules) == "private"
    assert problem_of_url("http://localhost/", rules) == "private"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1:8000/demo/", None),
        ("http://127.0.0.1:8000/demo/shoes?page=2", None),
        ("http://127.0.0.1:8000/robots.txt", None),
        ("http://127.0.0.1:8000/admin/", "private"),
        ("http://127.0.0.1:8000/demo/../admin/", "private"),
        ("http://127.0.0.1:8000/demo/%2e%2e/admin/", "private"),
        ("http://127.0.0.1:8001/demo/", "private"),
        ("https://127.0.0.1:8000/demo/", "private"),
        ("http://127.0.0.2:8000/demo/", "private"),
    ],
)
def test_the_demo_shop_is_allowed_and_nothing_beside_it(url, problem):
    assert problem_of_url(url, DEMO) == problem


@pytest.mark.parametrize(
    ("host", "port", "problem"),
    [
        ("93.184.216.34", 80, None),
        ("127.0.0.1", 80, "private"),
        ("127.0.0.1", 8000, None),
        ("10.0.0.1", 8000, "private"),
        ("fe80::1%eth0", 80, "private"),
        ("::ffff:10.0.0.1", 443, "private"),
    ],
)
def test_connections_are_judged_by_their_literal_address(host, port, problem):
    assert problem_of_connection(host, port, DEMO) == problem


@given(st.text())
def test_no_text_makes_the_check_fail(text):
    problem_of_url(text, DEMO)
    problem_of_url(f"http://{text}", STRICT)
    problem_of_url(f"http://{text}/", DEMO)


@given(st.ip_addresses())
def test_whatever_is_not_global_is_refused(address):
    host = f"[{address}]" if address.version == 6 else str(address)
    if not address.is_global:
        assert problem_of_url(f"http://{host}/", STRICT) == "private"

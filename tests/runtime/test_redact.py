"""What is taken out of texts before other people read them."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.runtime.redact import MASK, hider, redact, redact_address, redacted

S = "abcdef-hidden"

LETS_IN = [
    f"Authorization: Bearer {S}",
    f"Authorization: Token {S}",
    f'Authorization: Digest username="u", response="{S}"',
    f"{{b'Authorization': [b'Basic {S}']}}",
    f"{{b'Cookie': [b'a=1; b={S}', b'c={S}']}}",
    f"Cookie: a=1; sid={S}; b={S}",
    f"Set-Cookie: sid={S}; HttpOnly",
    f'cookies={{"sid": "{S}"}}',
    f'"password": "two words {S}"',
    f'{{\\"password\\": \\"two {S}\\"}}',
    f"userPassword: {S}",
    f"api_key={S}&x=1",
    f"'X-Api-Key': '{S}'",
    f'accessToken":"{S}"',
    f"PHPSESSID={S}",
    f"https://m.example/?key={S}&q=1",
    f"https://m.example/?q=1&sig={S}",
    f"/login?next=%2Fa%3Ftoken%3D{S}%26x",
    f"https://{S}@host.example/x",
    f"https://u:p@{S}@host.example/x",
    f"postgres://user:{S}@db/x",
    f"socks5://u:{S}@127.0.0.1:1",
    f"credentials=('u', '{S}')",
    f'<input name="csrf_token" value="{S}">',
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{S}",
    f"sent bearer {S}",
    f"-----BEGIN PRIVATE KEY-----\n{S}\n-----END PRIVATE KEY-----",
    f"written by {S}@mail.example",
    f"?mail={S}%40mail.example",
]


@pytest.mark.parametrize("text", LETS_IN)
def test_what_lets_somebody_in_is_taken_out(text):
    assert "hidden" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "COOKIES_ENABLED: False",
        '"items": 20, "pages": 5',
        "Crawled (200) <GET https://shop.example/x?page=2>",
        "ValueError: token missing",
        "a basic information",
    ],
)
def test_what_a_developer_needs_stays(text):
    assert redact(text) == text


def test_a_known_secret_is_hidden_however_it_is_spelt():
    secret = 'p@ss w/"ö'
    spelt = ["p%40ss%20w%2F%22%C3%B6", "p%40ss+w%2f%22%c3%b6", 'p@ss w/\\"ö', "p@ss w/&quot;ö"]
    for text in [secret, *spelt, json.dumps(secret)]:
        assert MASK in hider([secret])(f"at {text} end")
        assert "ss" not in hider([secret])(f"at {text} end")


def test_the_parts_of_a_secret_list_are_hidden_and_short_ones_where_they_stand_alone():
    hide = hider([["first-part", {"x": "second-part"}], 12, None, True, ""])
    assert hide("first-part second-part 12 312") == f"{MASK} {MASK} {MASK} 312"


def test_data_stays_data_without_its_secrets():
    data = {
        "arguments": {"login": {"password": "a b"}, "Cookie": ["x"], "pages": 3},
        "message": f'Authorization: Basic {S}", "x"',
        "secret": None,
    }
    assert redacted(data) == {
        "arguments": {"login": {"password": MASK}, "Cookie": MASK, "pages": 3},
        "message": f"Authorization: {MASK}",
        "secret": None,
    }


@pytest.mark.parametrize(
    "word", ["a", "password", "token=[", 'token="', "eyJ", "://", "cookie: ", "session", "csrf"]
)
def test_no_page_takes_long_to_redact(word):
    started = time.process_time()
    redact(word * (200_000 // len(word)))
    assert time.process_time() - started < 5


PARTS = st.sampled_from(
    ["token", "passwd", "session", "auth", "=", ":", "%3D", "%40", "@", "?", "&", "'", " ", "/",
     "bearer ", "eyJhbGciOi.eyJzdWIiOi.x", "ghp_abcdefghijklmnopqrstuv", "sk-abcdefghijklmnopqrstu",
     "AKIAABCDEFGHIJKLMNOP", "sst_abcdefghijklmnopqrstuv", "shoes", "mail.example", "-", "."]
)  # fmt: skip


@given(st.lists(PARTS, max_size=8).map("".join))
@example("shoes/token:shoes")
def test_an_address_is_treated_like_any_text(path):
    address = f"https://shop.example/{path}"
    assert redact_address(address) == redact(address)

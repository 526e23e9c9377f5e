from __future__ import annotations

import os

import pytest
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.environment import REDIS, Environment, local_url, secret_key


@pytest.fixture
def env(tmp_path):
    return Environment(tmp_path / "none.env")


def test_a_new_data_folder_is_closed_to_others(env, tmp_path):
    made = env.folder("A_FOLDER", tmp_path / "a" / "data")
    assert made.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_refused(env, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"A_FOLDER is not valid. Allowed: a folder"):
        env.folder("A_FOLDER", tmp_path / "file" / "data")


def test_the_key_is_made_once_and_is_for_its_owner_only(env, tmp_path):
    key = secret_key(env, tmp_path)
    assert len(key) > 50
    assert secret_key(env, tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_key_file_that_was_emptied_is_not_taken_for_a_key(env, tmp_path):
    (tmp_path / "secret_key").write_text(" \n")
    with pytest.raises(ImproperlyConfigured, match="secret_key in DATA_DIR is empty"):
        secret_key(env, tmp_path)


BAD = [
    ("flag", "perhaps", {"default": True}),
    ("number", "9.5", {"default": 1, "least": 0, "most": 10}),
    ("number", "11", {"default": 1, "least": 0, "most": 10}),
    ("number", "٣", {"default": 1, "least": 0, "most": 10}),
    ("number", "9" * 5000, {"default": 1, "least": 0, "most": 10}),
    ("choice", "purple", {"default": "red", "choices": ["red", "blue"]}),
    ("zone", "Europe/Nowhere", {"default": "UTC"}),
    ("zone", "../../etc/passwd", {"default": "UTC"}),
    ("url", "ftp://example.org", {"default": ""}),
    ("url", "https:///no-host", {"default": ""}),
    ("url", "https://example.org:99999", {"default": ""}),
    ("url", "https://anna:tulip@example.org", {"default": ""}),
    ("url", "https://example.org/spiders", {"default": ""}),
    ("urls", "http://a.example,b.example", {}),
    ("hosts", "https://example.org", {"default": []}),
    ("hosts", "example.org:8000", {"default": []}),
    ("file", "/nowhere/pipelines.yml", {}),
    ("database", "nonsense", {"default": ""}),
    ("database", "postgres://db.example", {"default": ""}),
    ("matching", "127.0.0.1:6379", {"default": "", **REDIS}),
    ("networks", "10.0.0.0/8,inside", {}),
    ("address", "localhost", {"default": "127.0.0.1"}),
    ("database", "mysql://root@127.0.0.1/db", {"default": ""}),
    ("email", "carrier-pigeon://home", {}),
    ("mapping", "[1]", {}),
]


@pytest.mark.parametrize(("kind", "value", "options"), BAD)
def test_a_bad_value_is_refused_with_its_name_and_never_repeated(
    env, monkeypatch, kind, value, options
):
    monkeypatch.setenv("A_SETTING", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        getattr(env, kind)("A_SETTING", **options)
    assert str(refusal.value).startswith("A_SETTING is not valid. Allowed: ")
    assert value not in str(refusal.value)


USUAL = [
    ("text", {"default": "usual"}, "usual"),
    ("flag", {"default": True}, True),
    ("number", {"default": 3, "least": 1, "most": 5}, 3),
    ("choice", {"default": "red", "choices": ["red"]}, "red"),
    ("words", {"default": ["a", "b"]}, ["a", "b"]),
    ("hosts", {"default": ["a.example"]}, ["a.example"]),
    ("zone", {"default": "UTC"}, "UTC"),
    ("url", {"default": "http://a.example"}, "http://a.example"),
    ("address", {"default": "127.0.0.1"}, "127.0.0.1"),
    ("file", {}, ""),
]


@pytest.mark.parametrize(("kind", "options", "usual"), USUAL)
def test_what_is_set_to_nothing_is_not_set(env, monkeypatch, kind, options, usual):
    monkeypatch.setenv("A_SETTING", " ")
    assert getattr(env, kind)("A_SETTING", **options) == usual


def test_the_data_folder_is_the_usual_one_when_none_is_named(env, monkeypatch, tmp_path):
    monkeypatch.setenv("A_FOLDER", "")
    assert env.folder("A_FOLDER", tmp_path / "data") == tmp_path / "data"


def test_a_choice_may_be_written_in_any_case(env, monkeypatch):
    monkeypatch.setenv("A_SETTING", "info")
    assert env.choice("A_SETTING", "WARNING", ["INFO", "WARNING"]) == "INFO"


@pytest.mark.parametrize("host", ["*", ".example.org", "a.example", "[::1]", "127.0.0.1"])
def test_hosts_are_names_or_addresses(env, monkeypatch, host):
    monkeypatch.setenv("A_SETTING", host)
    assert env.hosts("A_SETTING", []) == [host]


def test_settings_come_from_the_file_unless_the_environment_has_them(tmp_path, monkeypatch):
    file = tmp_path / "settings.env"
    file.write_text("FROM_THE_FILE=1\nFROM_BOTH=file\n")
    # Set first, so that what the file brings is taken away again after the test.
    monkeypatch.setenv("FROM_THE_FILE", "")
    monkeypatch.setenv("FROM_BOTH", "environment")
    del os.environ["FROM_THE_FILE"]
    env = Environment(file)
    assert env.flag("FROM_THE_FILE", default=False)
    assert env.text("FROM_BOTH") == "environment"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fd00::1", "http://[fd00::1]:80"),
    ],
)
def test_a_browser_here_finds_what_listens(address, url):
    assert local_url(address, 80) == url

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.environment import Environment


@pytest.fixture
def env(tmp_path):
    return Environment(Path(tmp_path / "none"))


@pytest.mark.parametrize(
    ("given", "defaults", "sender"),
    [
        ("", ["maja@company.example", "alerts@spiders.company.example"], "maja@company.example"),
        ("", ["maja", "alerts@spiders.company.example"], "alerts@spiders.company.example"),
        ("", ["", "alerts@127.0.0.1"], "alerts@localhost"),
        ("Spiders <a@company.example>", [], "Spiders <a@company.example>"),
    ],
)
def test_alerts_come_from_an_address_whatever_is_set(env, monkeypatch, given, defaults, sender):
    monkeypatch.setenv("ALERT_FROM", given)
    assert env.sender("ALERT_FROM", defaults) == sender


@pytest.mark.parametrize("given", ["nobody", "a@company.example\nBcc: b@company.example", "<>"])
def test_a_sender_that_is_no_address_is_refused(env, monkeypatch, given):
    monkeypatch.setenv("ALERT_FROM", given)
    with pytest.raises(ImproperlyConfigured, match="ALERT_FROM is not valid"):
        env.sender("ALERT_FROM", [])

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.timing import Timing, TimingError, validate
from tests.when.cron_model import utc

NOW = utc(2026, 3, 24, 10, 24)


@pytest.mark.parametrize(
    ("timing", "least", "field", "words"),
    [
        (Timing("cron", cron="0 25 * * *"), 10, "cron", "Hour must be 0 to 23; you wrote 25."),
        (Timing("cron", cron="* * * * *"), 300, "cron", "1 minute is more often than"),
        (
            Timing("interval", minutes=2),
            300,
            "minutes",
            "than the 5 minutes your administrator allows. Choose 5 or more.",
        ),
        (Timing("interval", seconds=5), 10, "seconds", "Choose 10 or more."),
        (Timing("interval", minutes=1), 90, "minutes", "Choose 90 seconds or more."),
        (Timing("interval"), 10, "minutes", "Say how often"),
        (Timing("interval", hours=-1), 10, "hours", "whole number"),
        (Timing("interval", minutes=True), 10, "minutes", "whole number"),
        (Timing("interval", minutes=1.5), 10, "minutes", "whole number"),
        (Timing("interval", weeks=10**9), 10, "weeks", "whole number"),
        (Timing("interval", weeks=300, days=3000), 10, "weeks", "ten years"),
        (Timing("once"), 10, "run_at", "Choose the day and time."),
        (
            Timing("once", run_at=NOW - timedelta(hours=1), timezone="Europe/Stockholm"),
            10,
            "run_at",
            "That moment has already passed: 24 March 2026 at 10:24.",
        ),
        (Timing("cron", cron="0 0 * * *", timezone="../etc"), 10, "timezone", "not a time zone"),
        (Timing("cron", cron="0 0 * * *", timezone=""), 10, "timezone", "not a time zone"),
        (Timing("cron", cron="0 0 * * *", jitter=10**6), 10, "jitter", "86400"),
        (
            Timing("cron", cron="0 0 * * *", start_at=NOW, end_at=NOW),
            10,
            "end_at",
            "The end comes before the start.",
        ),
        (Timing("cron", cron="0 0 * * *", end_at=NOW), 10, "end_at", "already passed"),
        (
            Timing("cron", cron="0 0 1 1 *", end_at=NOW + timedelta(days=9)),
            10,
            "end_at",
            "never runs",
        ),
        (Timing("hourly"), 10, "kind", "Choose one of"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_field_and_the_remedy(timing, least, field, words):
    with pytest.raises(TimingError) as caught:
        validate(timing, now=NOW, min_interval=least)
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "timing",
    [
        Timing("cron", cron="0 0 31 2 1"),
        Timing("cron", cron="@daily", timezone="America/New_York", jitter=600),
        Timing("interval", weeks=1, hours=3),
        Timing("once", run_at=NOW + timedelta(seconds=1)),
        Timing("startup"),
        Timing("after"),
    ],
)
def test_what_is_right_passes(timing):
    validate(timing, now=NOW, min_interval=10)


def test_the_past_is_only_looked_at_when_now_is_given():
    validate(Timing("once", run_at=NOW - timedelta(days=1)), min_interval=10)

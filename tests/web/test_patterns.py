from __future__ import annotations

from datetime import time

import pytest

from tasks.web.forms import patterns

NINE = time(9, 5)


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        (patterns.daily(NINE), patterns.Pattern("daily", NINE)),
        (patterns.weekdays(NINE), patterns.Pattern("weekdays", NINE)),
        (
            patterns.weekly(["sun", "tue"], NINE),
            patterns.Pattern("weekly", NINE, days=("tue", "sun")),
        ),
        (patterns.monthly(31, NINE), patterns.Pattern("monthly", NINE, day_of_month=31)),
        ("5  9 * * MON,wed", patterns.Pattern("weekly", NINE, days=("mon", "wed"))),
        ("5 9 * * 7", patterns.Pattern("weekly", NINE, days=("sun",))),
    ],
)
def test_a_simple_pattern_is_shown_as_the_choice_that_made_it(expression, pattern):
    assert patterns.read(expression) == pattern


@pytest.mark.parametrize(
    "expression",
    [
        "*/5 * * * *",
        "0 9,17 * * *",
        "0 9 1 * 1",
        "0 9 1-7 * *",
        "0 9 * 1 *",
        "0 9 * * 1-3",
        "@daily",
        "99 9 * * *",
        "0 24 * * *",
        "0 9 32 * *",
        "0 9 * * 8",
        "",
    ],
)
def test_other_patterns_stay_in_the_advanced_panel(expression):
    assert patterns.read(expression) is None


@pytest.mark.parametrize(
    ("parts", "choice"),
    [
        ({"minutes": 90}, (90, "minutes")),
        ({"hours": 1, "minutes": 60}, (2, "hours")),
        ({"seconds": 15}, (15, "seconds")),
        ({"days": 14}, (2, "weeks")),
        ({"weeks": 1, "days": 1}, (8, "days")),
        ({"days": 1, "hours": 2}, None),
    ],
)
def test_an_interval_is_shown_as_one_number_and_one_unit(parts, choice):
    assert patterns.interval_choice(dict.fromkeys(patterns.UNITS, 0) | parts) == choice

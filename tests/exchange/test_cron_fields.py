from __future__ import annotations

import pytest

from tasks.exchange.fields import FieldError, expression_of


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        ({"hour": 2, "minute": 30, "day_of_week": "mon,wed,fri"}, "30 2 * * mon,wed,fri"),
        ({"hour": "9-17"}, "0 9-17 * * *"),
        ({"minute": "*/15"}, "*/15 * * * *"),
        ({"minute": 0}, "0 * * * *"),
        ({"day": 1}, "0 0 1 * *"),
        ({"month": "jan-mar"}, "0 0 1 jan-mar *"),
        ({"month": 6, "hour": 3}, "0 3 * 6 *"),
        ({"day_of_week": 0}, "0 0 * * mon"),
        ({"day_of_week": "6"}, "0 0 * * sun"),
        ({"day_of_week": "0-4", "hour": 9}, "0 9 * * mon,tue,wed,thu,fri"),
        ({"day_of_week": "fri-sun", "hour": 9}, "0 9 * * fri,sat,sun"),
        ({"day_of_week": "*/2", "hour": 9}, "0 9 * * mon,wed,fri,sun"),
        ({"day_of_week": "0-6", "hour": 9}, "0 9 * * *"),
        ({"day_of_week": "Mon, Wed", "hour": 9}, "0 9 * * mon,wed"),
        ({"hour": 2, "second": 0, "year": "*", "week": "*"}, "0 2 * * *"),
        ({"day": "*/2", "day_of_week": "mon"}, "0 0 */2 * mon"),
        ({"hour": "8, 12 ,16"}, "0 8,12,16 * * *"),
    ],
)
def test_fields_become_an_expression(fields, expression):
    assert expression_of(fields) == expression


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "hour"),
        ({"hour": 24}, "hour"),
        ({"hour": "a"}, "hour"),
        ({"hour": True}, "hour"),
        ({"hour": [1]}, "hour"),
        ({"hour": ""}, "hour"),
        ({"hour": "1 2"}, "hour"),
        ({"minute": 60}, "minute"),
        ({"month": 13}, "month"),
        ({"day": "last"}, "day"),
        ({"day_of_week": 7}, "day_of_week"),
        ({"day_of_week": "sun-mon"}, "day_of_week"),
        ({"day_of_week": "*-2"}, "day_of_week"),
        ({"day_of_week": "mon/2"}, "day_of_week"),
        ({"day_of_week": "day"}, "day_of_week"),
        ({"day": 1, "day_of_week": "mon"}, "day_of_week"),
        ({"hour": 1, "second": 30}, "second"),
        ({"hour": 1, "year": 2030}, "year"),
        ({"hour": 1, "week": 5}, "week"),
    ],
)
def test_fields_that_cannot_be_are_named(fields, field):
    with pytest.raises(FieldError) as caught:
        expression_of(fields)
    assert caught.value.field == field

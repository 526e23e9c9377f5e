from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given, settings

from tasks import cron
from tasks.describe import describe, describe_cron, zone_words
from tasks.slots import Timing
from tests.when.cron_model import utc
from tests.when.test_cron_times import expressions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* * * * *", "Every minute"),
        ("*/30 * * * *", "Every 30 minutes"),
        ("0-59/15 * * * *", "Every 15 minutes"),
        ("*/7 * * * *", "Every hour at 0, 7, 14, 21, 28, 35, 42, 49 and 56 minutes past"),
        ("0 * * * *", "Every hour"),
        ("1 * * * *", "Every hour at 1 minute past"),
        ("5,35 * * * *", "Every hour at 5 and 35 minutes past"),
        ("0 */2 * * *", "Every 2 hours"),
        ("0 */8 * * *", "Every 8 hours"),
        ("30 */8 * * *", "Every day at 00:30, 08:30 and 16:30"),
        ("0 */12 * * *", "Every day at 00:00 and 12:00"),
        ("30 */2 * * *", "Every 2 hours from 00:30 to 22:30"),
        ("0 */5 * * *", "Every 5 hours from 00:00 to 20:00"),
        ("0 8-18/2 * * *", "Every 2 hours from 08:00 to 18:00"),
        ("0 8-18 * * *", "Every hour from 08:00 to 18:00"),
        ("*/15 9-17 * * *", "Every 15 minutes from 09:00 to 17:45"),
        ("* 9 * * *", "Every minute from 09:00 to 09:59"),
        ("*/20 8-18 * * 1-5", "Weekdays: every 20 minutes from 08:00 to 18:40"),
        ("0 3 * * *", "Every day at 03:00"),
        ("0 8,12,18 * * *", "Every day at 08:00, 12:00 and 18:00"),
        ("0 10 * * 1-5", "Weekdays at 10:00"),
        ("0 10 * * mon,tue,wed,thu,fri", "Weekdays at 10:00"),
        ("30 9 * * 6,7", "Weekends at 09:30"),
        ("0 22 * * 2,5", "Tuesdays and Fridays at 22:00"),
        ("0 6 * * 1", "Mondays at 06:00"),
        ("0 6 * * 0,1", "Mondays and Sundays at 06:00"),
        ("0 5 1 * *", "1st of every month at 05:00"),
        ("0 5 1,15 * *", "1st and 15th of every month at 05:00"),
        ("0 0 1 1 *", "1st of January at 00:00"),
        ("0 5 2 3-8 *", "2nd of March to August at 05:00"),
        ("0 0 * 6 *", "Every day in June at 00:00"),
        ("0 0 * 6 1", "Mondays in June at 00:00"),
        ("0 0 1 * 1", "1st of every month, and Mondays at 00:00"),
        ("0 0 1-31 * 1", "Every day at 00:00"),
        (
            "0 0 */10 * 1",
            "Mondays that are the 1st, 11th, 21st and 31st of the month at 00:00",
        ),
        (
            "3,17,44 2,9,15 * * *",
            "Every day at minutes 3, 17 and 44 of the hours 02:00, 09:00 and 15:00",
        ),
        ("7-13 1,9 * * *", "Every day at minutes 7 to 13 of the hours 01:00 and 09:00"),
        ("@weekly", "Sundays at 00:00"),
    ],
)
def test_cron_in_plain_words(text, words):
    assert describe_cron(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 10 * * 1-5", "Weekdays at 10:00 am"),
        ("5 0 * * *", "Every day at 12:05 am"),
        ("0 12,22 * * *", "Every day at 12:00 pm and 10:00 pm"),
        ("0 8-18/2 * * *", "Every 2 hours from 8:00 am to 6:00 pm"),
    ],
)
def test_twelve_hour_clock(text, words):
    assert describe_cron(text, clock24=False) == words


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Timing("interval", minutes=30), "Every 30 minutes"),
        (Timing("interval", minutes=1), "Every minute"),
        (Timing("interval", seconds=5400), "Every 90 minutes"),
        (Timing("interval", seconds=7200), "Every 2 hours"),
        (Timing("interval", seconds=90), "Every 90 seconds"),
        (Timing("interval", hours=1, minutes=30), "Every 1 hour and 30 minutes"),
        (Timing("interval", days=1), "Every day"),
        (Timing("interval", days=2, anchor=utc(2026, 3, 1, 9)), "Every 2 days at 09:00"),
        (
            Timing("interval", weeks=1, anchor=utc(2026, 3, 2, 9), timezone="Europe/Stockholm"),
            "Every week, Mondays at 10:00",
        ),
        (
            Timing("interval", days=1, hours=2, anchor=utc(2026, 3, 1)),
            "Every 1 day and 2 hours",
        ),
        (Timing("once", run_at=utc(2026, 4, 2, 0, 5)), "Once on 2 April 2026 at 00:05"),
        (Timing("startup"), "When the scheduler starts"),
        (
            Timing("cron", cron="0 3 * * *", end_at=utc(2026, 5, 1)),
            "Every day at 03:00, until 1 May 2026 at 00:00",
        ),
        (Timing("cron", cron="written past the services"), "written past the services"),
        (Timing("cron", cron="0 3 * * *", timezone="Mars", end_at=utc(2026, 5, 1)), "0 3 * * *"),
    ],
)  # fmt: skip
def test_other_kinds_in_plain_words(timing, words):
    assert describe(timing) == words


def test_follow_ups_in_plain_words():
    timing = Timing("after")
    assert describe(timing, after="Prices") == "After “Prices” finishes"
    assert describe(timing, after="Prices", after_on="failure") == "After “Prices” fails"
    words = describe(timing, after="Prices", after_on="either", delay=90)
    assert words == "1 minute and 30 seconds after “Prices” ends either way"


def test_zone_in_plain_words():
    assert zone_words("Europe/Stockholm") == "Stockholm time"
    assert zone_words("America/Argentina/Buenos_Aires") == "Buenos Aires time"
    assert zone_words("UTC") == "UTC"


@settings(max_examples=200, deadline=None)
@given(expressions)
def test_every_valid_pattern_has_one_sentence_in_both_clocks(text):
    try:
        cron.normalise(text)
    except cron.CronError:
        return
    for clock24 in (True, False):
        words = describe_cron(text, clock24=clock24)
        assert words[0].isupper() or words[0].isdigit()
        assert "%" not in words


@settings(max_examples=200, deadline=None)
@given(expressions, expressions)
def test_patterns_that_differ_never_share_a_sentence(one, other):
    try:
        patterns = [meaning(cron.parse(text)) for text in (one, other)]
    except cron.CronError:
        return
    if patterns[0] != patterns[1]:
        assert describe_cron(one) != describe_cron(other)


def meaning(pattern):
    """What fires, without the rule for clock changes and where the day rule makes no odds."""
    dates, weekdays = pattern.days, pattern.weekdays
    either = pattern.either
    if either and (len(dates) == 31 or len(weekdays) == 7):
        dates, weekdays = frozenset(range(1, 32)), frozenset(range(7))
    if len(dates) == 31 or len(weekdays) == 7:
        either = False
    return (pattern.minutes, pattern.hours, dates, weekdays, pattern.months, either)


def test_sentences_are_looked_up_in_the_active_language():
    with translation.override("de"):
        assert isinstance(describe_cron("0 6 * * 1"), str)

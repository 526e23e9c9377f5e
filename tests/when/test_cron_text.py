from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import cron
from tasks.cron_text import ALIASES
from tests.when.test_cron_times import expressions
from tests.when.work import calls_of, counted


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("0 25 * * *", "hour", "Hour must be 0 to 23; you wrote 25."),
        ("60 * * * *", "minute", "Minute must be 0 to 59; you wrote 60."),
        ("* * 0 * *", "day", "Day of month must be 1 to 31; you wrote 0."),
        ("* * * 13 *", "month", "Month must be 1 to 12, or jan to dec; you wrote 13."),
        ("* * * * 8", "weekday", "Day of week must be 0 to 7"),
        ("* * * mon *", "month", "you wrote mon"),
        ("jan * * * *", "minute", "you wrote jan"),
        ("* * L * *", "day", "you wrote l"),
        ("* * 15W * *", "day", "you wrote 15w"),
        ("* * * * 5#2", "weekday", "you wrote 5#2"),
        ("? * * * *", "minute", "you wrote ?"),
        ("H * * * *", "minute", "you wrote h"),
        ("R * * * *", "minute", "you wrote r"),
        ("* * * * fri-mon", "weekday", "Write fri,sat,sun,mon instead."),
        ("* 22-2 * * *", "hour", "Write 22,23,0,1,2 instead."),
        ("50-10 * * * *", "minute", "Write 50-59,0-10 instead."),
        ("*/0 * * * *", "minute", "must be 1 or more"),
        ("5/15 * * * *", "minute", "Write 5-59/15 instead."),
        ("*-5 * * * *", "minute", "you wrote *-5"),
        ("1,,2 * * * *", "minute", "you wrote nothing"),
        ("-1 * * * *", "minute", "you wrote -1"),
        ("99999999999999999999 * * * *", "minute", "Minute must be 0 to 59"),
        ("* * * *", "expression", "A cron pattern has five parts: minute, hour"),
        ("0 0 * * * *", "expression", "this one has 6."),
        ("0 0 * * * * 2026", "expression", "this one has 7."),
        ("", "expression", "five parts"),
        ("   ", "expression", "five parts"),
        ("* * * * *\n", "expression", "one line"),
        ("* * *\u00a0* *", "expression", "one line"),
        ("\u0665 * * * *", "expression", "one line"),
        ("* * * * *" + " " * 250, "expression", "at most 255"),
        ("@reboot", "expression", "@reboot has no time"),
        ("@every5m", "expression", "@every5m is not known"),
        ("0 0 31 2 *", "day", "never runs"),
        ("0 0 30 2 */2", "day", "never runs"),
        ("0 0 31 4,6,9,11 *", "day", "never runs"),
        (None, "expression", "is text"),
        (5, "expression", "is text"),
    ],
)
def test_what_is_wrong_is_said_with_the_field_named(text, field, words):
    with pytest.raises(cron.CronError) as caught:
        cron.normalise(text)
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("@Daily", "0 0 * * *"),
        ("  0   6 *\t* MON-Fri ", "0 6 * * mon-fri"),
        ("1-1 * * * *", "1 * * * *"),
        ("* * * * sun-0", "* * * * sun"),
        ("0 0 31 2 1", "0 0 31 2 1"),
        ("0-59/61 * * * *", "0-59/61 * * * *"),
        ("01 08 * * *", "01 08 * * *"),
    ],
)
def test_spellings_are_normalised(text, normal):
    assert cron.normalise(text) == normal


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_is_valid(alias):
    assert cron.normalise(alias.upper()) == ALIASES[alias]


def refused(text):
    try:
        cron.normalise(text)
    except cron.CronError as error:
        return error
    return None


USUAL_WORK = calls_of(lambda: cron.normalise("30 6 * * mon-fri"))


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=300),
        st.text(alphabet=string.digits + "*,-/ @LWH#?monsufebj", max_size=300),
        st.lists(st.text(alphabet="0123456789*,-/", max_size=60), min_size=5, max_size=5).map(
            " ".join
        ),
        st.binary(max_size=40),
        st.floats(),
        st.lists(st.integers(), max_size=3),
    )
)
def test_any_input_is_settled_with_little_work_and_the_field_named(text):
    """A usual pattern takes 0.2 ms: twenty times its work is well below the 10 ms promised."""
    cron._parse.cache_clear()
    with counted() as calls:
        refusal = refused(text)
    assert calls.count < 20 * USUAL_WORK
    if refusal is None:
        assert cron.normalise(cron.normalise(text)) == cron.normalise(text)
    else:
        assert refusal.field in (*cron.FIELDS, "expression")
        assert 10 < len(str(refusal)) < 400


@settings(max_examples=150, deadline=None)
@given(expressions)
def test_normalising_twice_changes_nothing(text):
    try:
        normal = cron.normalise(text)
    except cron.CronError:
        return
    assert cron.normalise(normal) == normal
    assert cron.normalise(text.upper()) == normal

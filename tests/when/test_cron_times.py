from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks import cron, zones
from tests.when.cron_model import Model, utc

ALL_ZONES = sorted(available_timezones() - {"Factory", "localtime"})
STOCKHOLM = ZoneInfo("Europe/Stockholm")
NEAR_A_CHANGE = (
    "Europe/Stockholm", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo",
    "Asia/Beirut", "America/Havana", "Africa/Casablanca", "America/St_Johns",
    "Antarctica/Troll", "Asia/Tehran", "Africa/Cairo", "Pacific/Kwajalein",
)  # fmt: skip


def term(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    step = st.integers(1, high + 2)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    return st.one_of(
        st.just("*"),
        number.map(str),
        span,
        step.map(lambda n: f"*/{n}"),
        st.tuples(span, step).map(lambda parts: f"{parts[0]}/{parts[1]}"),
    )


def field(low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(term(low, high), min_size=1, max_size=3).map(",".join)


often = st.just("*")
expressions = st.tuples(
    st.one_of(field(0, 59), st.integers(0, 59).map(str)),
    st.one_of(field(0, 23), st.integers(0, 4).map(str), often),
    st.one_of(field(1, 31), often),
    st.one_of(field(1, 12), often, often),
    st.one_of(field(0, 7), often),
).map(" ".join)


@st.composite
def moments_near_changes(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    zone = ZoneInfo(draw(st.sampled_from(NEAR_A_CHANGE) | st.sampled_from(ALL_ZONES)))
    year = draw(st.integers(1985, 2037))
    found = zones.changes_in_year(zone, year)
    base = draw(st.sampled_from(found)).at if found else utc(year, 3, 1)
    base = base.replace(second=0)
    return zone, base + timedelta(minutes=draw(st.integers(-200, 200)))


def engine_firings(text: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    found, moment = [], start - timedelta(microseconds=1)
    while (moment := cron.next_time(text, zone, moment)) is not None and moment < end:
        found.append(moment)
    return found


@settings(max_examples=250, deadline=None)
@given(expressions, moments_near_changes())
def test_firings_agree_with_the_model_minute_by_minute(text, where):
    zone, middle = where
    text = normal_or_skip(text)
    start, end = middle - timedelta(hours=20), middle + timedelta(hours=20)
    expected = Model(text).firings(zone, start, end)
    assert engine_firings(text, zone, start, end) == expected
    before, backwards = end, []
    while (before := cron.previous_time(text, zone, before)) is not None and before >= start:
        backwards.append(before)
    assert backwards[::-1] == expected
    for low, high in ((start, end), (middle, end), (start, middle)):
        inside = bisect_left(expected, high) - bisect_right(expected, low)
        assert cron.count_times(text, zone, low, high - timedelta(microseconds=1)) == inside


def normal_or_skip(text: str) -> str:
    try:
        return cron.normalise(text)
    except cron.CronError:
        assume(False)
        raise


@settings(max_examples=150, deadline=None)
@given(
    expressions,
    st.sampled_from(ALL_ZONES),
    st.datetimes(datetime(1975, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)
def test_next_times_rise_strictly_and_lead_back(text, name, moment):
    zone, text = ZoneInfo(name), normal_or_skip(text)
    first = cron.next_time(text, zone, moment)
    assume(first is not None)
    second = cron.next_time(text, zone, first)
    assert moment < first < second
    assert cron.previous_time(text, zone, second) == first
    assert cron.count_times(text, zone, moment, second) == 2
    assert cron.count_times(text, zone, first, first) == 0


@settings(max_examples=60, deadline=None)
@given(expressions, st.sampled_from(ALL_ZONES), st.integers(2, 40))
def test_counting_agrees_with_walking(text, name, steps):
    zone, text = ZoneInfo(name), normal_or_skip(text)
    start = moment = utc(2025, 3, 1)
    for _ in range(steps):
        moment = cron.next_time(text, zone, moment)
        assume(moment is not None)
    assert cron.count_times(text, zone, start, moment) == steps


@pytest.mark.parametrize("quarter", range(4))
def test_every_zone_agrees_with_the_model_around_its_changes_of_2026(quarter):
    texts = ("30 2 * * *", "0 0 * * *", "*/30 * * * *", "15,45 1-3 * * *", "0 3 * * 0")
    for name in ALL_ZONES[quarter::4]:
        zone = ZoneInfo(name)
        for change in zones.changes_in_year(zone, 2026) or (None,):
            middle = change.at if change else utc(2026, 3, 29, 1)
            start, end = middle - timedelta(hours=6), middle + timedelta(hours=6)
            for text in texts:
                expected = Model(text).firings(zone, start, end)
                assert engine_firings(text, zone, start, end) == expected, (name, text)


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        # Sunday is 0 and 7; Monday is 1.
        ("0 9 * * 1", "UTC", utc(2026, 3, 24), utc(2026, 3, 30, 9)),
        ("0 9 * * 7", "UTC", utc(2026, 3, 24), utc(2026, 3, 29, 9)),
        # Either day matches if both are restricted; both must if one starts with a star.
        ("0 0 1 * 1", "UTC", utc(2026, 3, 24), utc(2026, 3, 30)),
        ("0 0 */2 * 1", "UTC", utc(2026, 3, 30), utc(2026, 4, 13)),
        ("0 0 1,* * 1", "UTC", utc(2026, 3, 24), utc(2026, 3, 25)),
        ("0 0 31 2 1", "UTC", utc(2026, 1, 1), utc(2026, 2, 2)),
        ("0 0 29 2 *", "UTC", utc(2026, 1, 1), utc(2028, 2, 29)),
        ("5 5 5-5 * *", "UTC", utc(2026, 1, 1), utc(2026, 1, 5, 5, 5)),
        # 02:30 does not exist on 29 March: it runs at 03:00, which is 01:00 UTC.
        ("30 2 * * *", "Europe/Stockholm", utc(2026, 3, 28, 12), utc(2026, 3, 29, 1)),
        ("0,30 2 * * *", "Europe/Stockholm", utc(2026, 3, 29, 1), utc(2026, 3, 30, 0)),
        ("0 2,3 * * *", "Europe/Stockholm", utc(2026, 3, 29, 1), utc(2026, 3, 30, 0)),
        # 02:30 comes twice on 25 October: only the first.
        ("30 2 * * *", "Europe/Stockholm", utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)),
        ("30 * * * *", "Europe/Stockholm", utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)),
        # Clocks that change at midnight, by half an hour, and over a whole day.
        ("0 0 * * *", "Asia/Beirut", utc(2026, 3, 28, 12), utc(2026, 3, 28, 22)),
        ("10 2 * * *", "Australia/Lord_Howe", utc(2026, 10, 3), utc(2026, 10, 3, 15, 30)),
        ("0 12 * * *", "Pacific/Apia", utc(2011, 12, 29, 22), utc(2011, 12, 30, 22)),
    ],
)
def test_known_cases(text, zone, after, expected):
    assert cron.next_time(cron.normalise(text), ZoneInfo(zone), after) == expected


def test_the_end_of_the_calendar_is_no_error():
    assert cron.next_time("0 0 1 1 *", STOCKHOLM, utc(9999, 6, 1)) is None
    assert cron.previous_time("0 0 29 2 *", ZoneInfo("UTC"), utc(2, 1, 1)) is None

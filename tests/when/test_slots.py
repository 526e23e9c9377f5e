from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.slots import Timing, jitter_delay
from tests.when.cron_model import utc
from tests.when.test_cron_times import ALL_ZONES, expressions, normal_or_skip
from tests.when.work import calls_of

TINY = timedelta(microseconds=1)
NOW = utc(2026, 3, 24, 10, 24)

moments = st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
intervals = st.builds(
    Timing,
    kind=st.just("interval"),
    weeks=st.integers(0, 2),
    days=st.integers(0, 3),
    hours=st.integers(0, 30),
    minutes=st.integers(1, 90),
    timezone=st.sampled_from(ALL_ZONES),
    anchor=moments,
)
daily = st.builds(
    Timing,
    kind=st.just("interval"),
    days=st.integers(1, 9),
    timezone=st.sampled_from([*ALL_ZONES, "Pacific/Apia", "Pacific/Kwajalein"]),
    anchor=moments,
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(intervals, daily), moments, st.integers(1, 30))
def test_intervals_rise_strictly_lead_back_and_count(timing, after, number):
    times = timing.next_times(after, number)
    assert all(earlier < later for earlier, later in zip([after, *times], times, strict=False))
    assert timing.count(after, times[-1]) == number
    assert timing.previous_time(times[-1]) == times[-1]
    if number > 1:
        assert timing.previous_time(times[-1] - TINY) == times[-2]
    assert times[0] >= timing.anchor


@settings(max_examples=60, deadline=None)
@given(st.one_of(intervals, daily), moments, st.lists(st.integers(-90, 90), max_size=12))
def test_the_coming_slot_is_the_next_one_whoever_asked_before(timing, moment, steps):
    bounded = replace(timing, start_at=moment, end_at=moment + timedelta(days=2))
    for hours in steps:
        now = moment + timedelta(hours=hours)
        assert timing.coming(now) == timing.next_time(now)
        assert bounded.coming(now) == bounded.next_time(now)


@settings(max_examples=100, deadline=None)
@given(daily, moments)
def test_days_keep_the_time_on_the_wall_clock_wherever_it_exists_once(timing, after):
    zone = ZoneInfo(timing.timezone)
    slot = timing.next_time(max(after, timing.anchor))
    local, anchor = slot.astimezone(zone), timing.anchor.astimezone(zone)
    wall = local.replace(hour=anchor.hour, minute=anchor.minute, second=anchor.second, tzinfo=None)
    fixed = wall.replace(tzinfo=zone)
    exists = fixed.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall
    if exists:
        assert (local.hour, local.minute, local.second) == (
            anchor.hour,
            anchor.minute,
            anchor.second,
        )


def test_hours_are_absolute_and_days_are_on_the_wall_clock():
    stockholm = {"timezone": "Europe/Stockholm", "anchor": utc(2026, 3, 28, 8)}
    assert Timing("interval", hours=24, **stockholm).next_time(utc(2026, 3, 28, 9)) == utc(
        2026, 3, 29, 8
    )
    assert Timing("interval", days=1, **stockholm).next_time(utc(2026, 3, 28, 9)) == utc(
        2026, 3, 29, 7
    )


def test_a_day_that_does_not_exist_is_left_out():
    timing = Timing("interval", days=1, timezone="Pacific/Apia", anchor=utc(2011, 12, 28, 22))
    times = timing.next_times(utc(2011, 12, 28, 23), 3)
    assert times == [utc(2011, 12, 29, 22), utc(2011, 12, 30, 22), utc(2011, 12, 31, 22)]
    assert timing.count(utc(2011, 12, 28, 23), times[-1]) == 3


def test_an_interval_counts_from_its_start_and_not_before():
    timing = Timing("interval", hours=5, start_at=utc(2026, 4, 1), anchor=utc(2026, 1, 1))
    assert timing.next_times(NOW, 2) == [utc(2026, 4, 1), utc(2026, 4, 1, 5)]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.builds(
            Timing,
            kind=st.just("cron"),
            cron=expressions,
            timezone=st.sampled_from(ALL_ZONES),
        ),
        intervals,
        daily,
        st.builds(Timing, kind=st.just("once"), run_at=moments),
    ),
    moments,
    st.timedeltas(timedelta(minutes=1), timedelta(days=40)),
    st.timedeltas(timedelta(days=-30), timedelta(days=60)),
)
def test_no_time_is_outside_the_bounds(timing, start, length, ahead):
    if timing.kind == "cron":
        normal_or_skip(timing.cron)
    bounded = replace(timing, start_at=start, end_at=start + length)
    after = start - ahead
    times = bounded.next_times(after, 12)
    assert all(max(after + TINY, start) <= each <= start + length for each in times)
    assert times == sorted(set(times))
    last = bounded.previous_time(start + 2 * length)
    assert last is None or start <= last <= start + length
    if times:
        assert bounded.previous_time(times[-1]) == times[-1]
        assert bounded.count(after, times[-1]) == len(times)


def test_bounds_hold_for_every_kind():
    bounds = {"start_at": utc(2026, 4, 1), "end_at": utc(2026, 4, 3)}
    cron = Timing("cron", cron="0 0 * * *", **bounds)
    assert cron.next_times(NOW, 9) == [utc(2026, 4, 1), utc(2026, 4, 2), utc(2026, 4, 3)]
    assert cron.previous_time(utc(2027, 1, 1)) == utc(2026, 4, 3)
    assert cron.previous_time(NOW) is None
    assert cron.count(utc(2020, 1, 1), utc(2030, 1, 1)) == 3
    assert Timing("once", run_at=utc(2026, 5, 1), **bounds).next_time(NOW) is None
    assert Timing("interval", days=1, **bounds).next_time(utc(2026, 4, 3)) is None


def test_once_happens_once():
    timing = Timing("once", run_at=utc(2026, 4, 2))
    assert timing.next_time(NOW) == utc(2026, 4, 2)
    assert timing.next_time(utc(2026, 4, 2)) is None
    assert timing.slots_between(NOW, utc(2027, 1, 1)).newest == [utc(2026, 4, 2)]


@pytest.mark.parametrize("kind", ["after", "startup"])
def test_kinds_without_a_time_have_no_slots(kind):
    assert Timing(kind).next_time(NOW) is None
    assert Timing(kind).slots_between(utc(2020, 1, 1), NOW).total == 0


@pytest.mark.parametrize(
    "timing",
    [
        Timing("cron", cron="* * * * *", timezone="Europe/Stockholm"),
        Timing("interval", minutes=1, anchor=utc(2025, 1, 1)),
    ],
)
def test_a_year_of_minutes_is_decided_without_walking_it(timing):
    """The bench says in how many milliseconds; here it is counted, whatever else runs."""
    slots = timing.slots_between(NOW - timedelta(days=365), NOW, newest=100)
    day, year = (
        calls_of(lambda days=days: timing.slots_between(NOW - timedelta(days=days), NOW + TINY))
        for days in (1, 365)
    )
    assert year < 3 * day
    assert year < 365 * 24 * 60 / 10
    assert len(slots.newest) == 100
    assert slots.newest[-1] == NOW
    assert slots.older == 365 * 24 * 60 - 100
    assert slots.older_first == NOW - timedelta(days=365) + timedelta(minutes=1)
    assert slots.older_last == NOW - timedelta(minutes=100)


@settings(max_examples=60, deadline=None)
@given(st.one_of(intervals, daily), moments, st.integers(0, 20), st.integers(0, 400))
def test_newest_and_older_slots_are_all_slots(timing, after, newest, hours):
    until = after + timedelta(hours=hours)
    slots = timing.slots_between(after, until, newest=newest)
    walked = []
    moment = after
    while (moment := timing.next_time(moment)) is not None and moment <= until:
        walked.append(moment)
    assert slots.newest == walked[max(len(walked) - newest, 0) :]
    assert slots.older == max(len(walked) - newest, 0)
    if slots.older:
        assert (slots.older_first, slots.older_last) == (walked[0], walked[slots.older - 1])
    assert slots.following == timing.next_time(until)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30), st.integers(0, 86_400))
def test_jitter_is_fixed_and_bounded(key, jitter):
    delay = jitter_delay(key, jitter)
    assert timedelta() <= delay <= timedelta(seconds=jitter)
    assert delay == jitter_delay(key, jitter)


def test_jitter_spreads():
    delays = {jitter_delay(f"task/{n}", 3600) for n in range(500)}
    assert len({delay // timedelta(minutes=5) for delay in delays}) == 12

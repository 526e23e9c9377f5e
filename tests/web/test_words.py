from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from tasks.outcomes.durations import duration
from tasks.web import charts, states, when
from tasks.web.scheduler import scheduler_state

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NOW = datetime(2026, 3, 24, 10, 24, tzinfo=STOCKHOLM)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (192, "3 min 12 s"),
        (5040, "1 h 24 min"),
        (7200, "2 h"),
        (86400, "1 day"),
        (97200, "1 d 3 h"),
        (5 * 86400 + 7, "5 days"),
        (-3, "0 s"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ((2026, 3, 24, 11, 0), "Today 11:00"),
        ((2026, 3, 25, 3, 0), "Tomorrow 03:00"),
        ((2026, 3, 23, 6, 0), "Yesterday 06:00"),
        ((2026, 3, 30, 6, 0), "Mon 30 Mar, 06:00"),
        ((2027, 1, 4, 6, 0), "Mon 4 Jan 2027, 06:00"),
    ],
)
def test_a_moment_is_named_by_its_day(moment, words):
    assert when.absolute(datetime(*moment, tzinfo=STOCKHOLM), NOW, STOCKHOLM) == words


def test_the_day_is_that_of_the_viewers_zone():
    late = datetime(2026, 3, 24, 23, 30, tzinfo=UTC)
    assert when.absolute(late, NOW, UTC) == "Today 23:30"
    assert when.absolute(late, NOW, STOCKHOLM) == "Tomorrow 00:30"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (36 * 60 + 20, "in 36 min"),
        (-(2 * 3600 + 54 * 60), "2 h 54 min ago"),
        (0.2, "now"),
        (-8, "8 s ago"),
    ],
)
def test_distances_read_like_speech(seconds, words):
    assert when.relative(NOW + timedelta(seconds=seconds), NOW) == words


def test_german_days_take_the_form_that_their_place_asks_for():
    with translation.override("de"):
        assert duration(3 * 86400) == "3 Tage"
        assert when.relative(NOW + timedelta(days=3), NOW) == "in 3 Tagen"
        assert when.relative(NOW - timedelta(days=3), NOW) == "vor 3 Tagen"
        assert when.relative(NOW + timedelta(days=1, hours=2), NOW) == "in 1 Tag 2 h"


def test_zones_are_named_by_their_city():
    assert when.zone_label(ZoneInfo("America/New_York")) == "New York time"
    assert when.zone_label(UTC) == "UTC"


def test_every_status_of_a_run_has_a_word_an_icon_and_a_shape():
    from tasks.models import Run

    assert set(states.BY_STATUS) == set(Run.Status.values)
    for look in states.ORDER:
        assert look.icon
        assert look.shape in charts.RECTS


def test_a_time_limit_and_lost_contact_have_their_own_words():
    assert states.look_of("failed", "timeout") is states.TOOK_TOO_LONG
    assert states.look_of("failed", "lost") is states.LOST
    assert states.look_of("failed", "spider_error") is states.FAILED


def test_the_bar_says_in_words_what_it_draws():
    slots = [charts.Slot(states.FINISHED, "Mon")] * 27
    slots += [charts.Slot(states.NEEDS_LOOK, "Tue"), *[charts.Slot(states.FAILED, "Wed")] * 2]
    bar = charts.status_bar(slots)
    assert 'aria-label="Last 30 runs: 27 finished, 1 needs a look, 2 failed"' in bar
    assert bar.count("<title>") == 30
    assert "style" not in bar


def test_a_short_history_fills_the_bar_from_the_right():
    bar = charts.status_bar([charts.Slot(states.FINISHED, "Mon")])
    assert 'x="232"' in bar
    assert 'd="M2.5 12H226.5"' in bar
    assert "Last run: 1 finished" in bar


def test_titles_in_the_bar_are_escaped():
    assert "<b>" not in charts.status_bar([charts.Slot(states.FAILED, "<b>")])


def test_a_block_never_leaves_the_day():
    blocks = [charts.Block(0, 0.2), charts.Block(1430, 60)]
    assert list(charts.bands(blocks)) == [(0, 7), (1430, 1440)]
    assert 'd="M0.0 4H7.0V16H0.0zM1430.0 4H1440.0V16H1430.0z"' in charts.lane_track(blocks, [60])


def test_blocks_that_touch_are_one():
    starts, nothing = (0, 5, 10, 30, 31), charts.lane_track([], [])
    blocks = [charts.Block(start, 60 if start == 30 else 1) for start in starts]
    assert list(charts.bands(blocks)) == [(0, 17), (30, 90)]
    assert list(charts.bands([])) == []
    assert 'd=""' in nothing


@pytest.mark.parametrize(("minutes", "level"), [(0, 0), (1, 1), (15, 2), (34, 3), (60, 4)])
def test_heat_has_five_levels(minutes, level):
    assert charts.heat_level(minutes) == level


def test_dates_follow_the_viewers_language():
    with translation.override("de"):
        moment = datetime(2026, 3, 30, 6, 0, tzinfo=STOCKHOLM)
        assert when.absolute(moment, NOW, STOCKHOLM).startswith("Mo")


def test_of_a_scheduler_that_left_no_trace_nobody_knows_whether_it_ever_ran(db):
    assert scheduler_state().seen == "Ended, or never started"

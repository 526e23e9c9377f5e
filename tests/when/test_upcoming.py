from __future__ import annotations

import pytest

from tasks.slots import Timing
from tasks.upcoming import upcoming
from tests.when.cron_model import utc


def stockholm(text: str, **bounds: object) -> Timing:
    return Timing("cron", cron=text, timezone="Europe/Stockholm", **bounds)


@pytest.mark.parametrize(
    ("timing", "after", "code", "words"),
    [
        (
            stockholm("30 2 * * 0"),
            utc(2026, 3, 24, 9),
            "gap",
            "The clocks go forward: 02:30 does not exist that night, so it runs at 03:00.",
        ),
        (
            stockholm("30 2 * * 0"),
            utc(2026, 10, 20),
            "repeated",
            "The clocks go back: 02:30 comes twice that night. It runs once, the first time.",
        ),
        (
            stockholm("0 9 * * 1-5"),
            utc(2026, 3, 27, 12),
            "same_wall_time",
            "First run after the clocks go forward. Still 09:00 on the wall clock.",
        ),
        (
            stockholm("0 9 * * 1-5"),
            utc(2026, 10, 23, 12),
            "same_wall_time",
            "First run after the clocks go back. Still 09:00 on the wall clock.",
        ),
        (
            stockholm("30 * * * *"),
            utc(2026, 10, 25, 1),
            "second_pass",
            "The clocks go back: this is the second 02:30 of that night.",
        ),
        (
            Timing("interval", hours=24, timezone="Europe/Stockholm", anchor=utc(2026, 3, 1, 8)),
            utc(2026, 3, 28, 9),
            "other_wall_time",
            "First run after the clocks go forward. Now 10:00 on the wall clock.",
        ),
        (
            Timing("interval", days=1, timezone="Europe/Stockholm", anchor=utc(2026, 3, 1, 1, 30)),
            utc(2026, 3, 28, 9),
            "gap",
            "The clocks go forward: 02:30 does not exist that night, so it runs at 03:00.",
        ),
        (stockholm("0 3 * * *"), utc(2026, 6, 1), "", ""),
        (stockholm("*/30 * * * *"), utc(2026, 3, 29, 0, 30), "", ""),
    ],
)
def test_clock_changes_are_said_beside_the_run(timing, after, code, words):
    first = upcoming(timing, after=after, number=1)[0]
    assert (first.code, first.note) == (code, words)


def test_times_are_local_and_carry_their_offset():
    found = upcoming(stockholm("0 10 * * 1-5"), after=utc(2026, 3, 24, 9, 24), number=5)
    assert [each.at.isoformat() for each in found] == [
        "2026-03-25T10:00:00+01:00",
        "2026-03-26T10:00:00+01:00",
        "2026-03-27T10:00:00+01:00",
        "2026-03-30T10:00:00+02:00",
        "2026-03-31T10:00:00+02:00",
    ]
    assert [each.code for each in found] == ["", "", "", "same_wall_time", ""]

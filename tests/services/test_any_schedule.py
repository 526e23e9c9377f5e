"""Whatever is sent as a schedule: it has its times, or it is refused with the field named."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.services.errors import InvalidInput
from tasks.services.preview import preview
from tasks.services.schedules import WRITABLE
from tests.scheduling.helpers import NOON

pytestmark = pytest.mark.django_db

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
kinds = st.sampled_from(["cron", "interval", "once", "after", "startup", "hourly", ""])
sensible = {
    "cron": st.sampled_from(["0 6 * * *", "@daily", "* * * * 8", "0 0 31 2 *", ""]),
    "timezone": st.sampled_from(["Europe/Stockholm", "UTC", "../etc", "Moon", "", "localtime"]),
    "minutes": st.integers(-5, 10**12),
    "days": st.integers(-5, 10**12),
    "run_at": st.datetimes().map(str) | st.sampled_from(["2030-04-02 09:30", "9999-12-31 23:59"]),
    "start_at": st.datetimes().map(str),
    "end_at": st.datetimes().map(str),
    "jitter": st.integers(-1, 10**9),
}
schedules = st.fixed_dictionaries({"kind": kinds}, optional=sensible) | st.dictionaries(
    st.sampled_from(WRITABLE) | st.text(max_size=10), anything, max_size=6
)


@example({"kind": "after", "after_task": ["a", {}]})
@example({"kind": "after", "after_task": "a\0b"})
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(schedules)
def test_any_schedule_is_read_or_refused_with_its_field(schedule):
    found, errors = answer(schedule)
    times = [datetime.fromisoformat(each) for each in found.get("next", [])]
    assert all(earlier < later for earlier, later in zip([NOON, *times], times, strict=False))
    assert bool(found) != bool(errors)
    assert all(name in {*WRITABLE, *schedule, "after"} for name in errors), errors
    assert all(all(texts) for texts in errors.values())


def answer(schedule) -> tuple[dict, dict]:
    try:
        return preview(schedule=schedule, after=NOON), {}
    except InvalidInput as error:
        return {}, error.errors

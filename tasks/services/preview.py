"""What a schedule would do, without saving it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone as clock
from django.utils.translation import gettext as _

from tasks.describe import describe
from tasks.models import Task
from tasks.services.errors import InvalidInput
from tasks.services.schedules import build, timing_of
from tasks.timing import TimingError, validate
from tasks.upcoming import upcoming

MAX_TIMES = 100


def preview(
    *, schedule: Mapping[str, Any], after: datetime | None = None, number: int = 5
) -> dict[str, Any]:
    """Its sentence and its next times, with what a clock change does to them.

    Raises InvalidInput by field.
    """
    if not 1 <= number <= MAX_TIMES:
        raise InvalidInput({"n": [_("Enter a number from 1 to %d.") % MAX_TIMES]})
    built = build(Task(), schedule, stored=None)
    timing = timing_of(built)
    try:
        validate(timing, min_interval=settings.SCHEDULER_MIN_INTERVAL)
        coming = upcoming(timing, after=after or clock.now(), number=number)
    except TimingError as error:
        raise InvalidInput({error.field: [str(error)]}) from None
    except (ValueError, OverflowError):
        raise InvalidInput({"after": [_("Write a date and time such as 2026-04-02 09:30.")]}) from (
            None
        )
    name = built.after_task.name if built.after_task else ""
    return {
        "description": describe(timing, after=name, after_on=built.after_on, delay=built.delay),
        "next": [each.at.isoformat() for each in coming],
        "notes": [
            {"at": each.at.isoformat(), "code": each.code, "note": each.note}
            for each in coming
            if each.code
        ],
    }

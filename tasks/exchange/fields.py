"""Cron written by fields, as APScheduler has it, turned into one expression."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

from tasks import cron

FIELDS = ("month", "day", "day_of_week", "hour", "minute")  # from large to small
REFUSED = ("year", "week", "second")
LEAST = {"month": "1", "day": "1", "hour": "0", "minute": "0"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TERM = re.compile(
    r"(?P<low>\*|[0-6]|[a-z]{3})(?:-(?P<high>[0-6]|[a-z]{3}))?(?:/(?P<step>[1-7]))?", re.ASCII
)


class FieldError(ValueError):
    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def expression_of(given: Mapping[str, object]) -> str:
    """Smaller fields that are left out are at their least, larger ones and weekdays at `*`."""
    for name in REFUSED:
        if str(given.get(name, "*")).strip() not in ({"*", "0"} if name == "second" else {"*"}):
            raise FieldError(_("This field can't be used; leave it out."), field=name)
    texts = {name: _text(name, given[name]) for name in FIELDS if given.get(name) is not None}
    if not texts:
        raise FieldError(_("Write when: at least one of %s.") % ", ".join(FIELDS), field="hour")
    values = _filled(texts)
    _refuse_and(values)
    expression = " ".join(
        values[name] for name in ("minute", "hour", "day", "month", "day_of_week")
    )
    _check(expression)
    return expression


def _text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise FieldError(_("Write a number, or a text such as “9-17”."), field=name)
    text = re.sub(r"\s*([,/-])\s*", r"\1", str(value).strip().lower())
    if not text or len(text) > 200 or re.search(r"\s", text):
        raise FieldError(_("Write a number, or a text such as “9-17”."), field=name)
    return _weekdays(text) if name == "day_of_week" else text


def _filled(texts: Mapping[str, str]) -> dict[str, str]:
    smallest = max(FIELDS.index(name) for name in texts)
    defaults = {
        name: LEAST.get(name, "*") if index > smallest else "*" for index, name in enumerate(FIELDS)
    }
    return {**defaults, **texts}


def _refuse_and(values: Mapping[str, str]) -> None:
    if not values["day"].startswith("*") and not values["day_of_week"].startswith("*"):
        message = _(
            "APScheduler runs only when day and day_of_week both match, a cron pattern when either"
            " does. Leave one of them out."
        )
        raise FieldError(message, field="day_of_week")


def _weekdays(text: str) -> str:
    """Weekdays counted from 0 = Monday, by name."""
    found: set[int] = set()
    for term in text.split(","):
        found.update(_days_of(term))
    if len(found) == len(DAYS):
        return "*"
    return ",".join(DAYS[day] for day in sorted(found))


def _days_of(term: str) -> range:
    match = _TERM.fullmatch(term)
    low = _day(match["low"]) if match else None
    if not match or low is None:
        raise _wrong_weekday(term)
    alone = match["low"] != "*" and match["high"] is None
    high = low if alone else 6 if match["high"] is None else _day(match["high"])
    if high is None or high < low or (alone and match["step"]):
        raise _wrong_weekday(term)
    if match["low"] == "*" and match["high"]:
        raise _wrong_weekday(term)
    return range(low, high + 1, int(match["step"] or 1))


def _day(text: str) -> int | None:
    if text == "*":
        return 0
    if text.isdecimal():
        return int(text)
    return DAYS.index(text) if text in DAYS else None


def _wrong_weekday(term: str) -> FieldError:
    message = _("Weekdays are mon to sun, or 0 to 6 (0 is Monday); you wrote %s.") % term[:30]
    return FieldError(message, field="day_of_week")


def _check(expression: str) -> None:
    try:
        cron.parse(expression)
    except cron.CronError as error:
        names = {"weekday": "day_of_week"}
        field = names.get(error.field, error.field)
        raise FieldError(str(error), field=field if field in FIELDS else "minute") from error

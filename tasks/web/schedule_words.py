"""Reads a schedule that somebody wrote in words: "weekdays at 06:30", "every 30 minutes"."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext, gettext_noop

# Several ways to say each, with commas between; a translation says them in its own ways.
DAILY = gettext_noop("every day, daily")
WORKDAYS = gettext_noop("weekdays, on weekdays, workdays")
WEEKEND = gettext_noop("weekends, at weekends, at the weekend")
AT = gettext_noop("at")
AND = gettext_noop("and")
EVERY = gettext_noop("every")
MINUTES = gettext_noop("minute, minutes, min")
HOURS = gettext_noop("hour, hours, h")
DAYS = gettext_noop("day, days")
LONGEST = 200
TIME = re.compile(r"(\D*)\b(\d{1,2})[:.](\d{2})(?: uhr)?")


def read_words(text: str) -> dict[str, Any] | None:
    """The fields of a schedule; None for what is not in these words, such as a cron pattern."""
    if len(text) > LONGEST:
        return None
    said = " ".join(text.casefold().replace(",", " , ").split())
    return _rhythm(said) or _at_a_time(said)


def _rhythm(said: str) -> dict[str, Any] | None:
    for unit, words in (("minutes", MINUTES), ("hours", HOURS), ("days", DAYS)):
        found = re.fullmatch(rf"(?:{_any(EVERY)}) (?:(\d{{1,4}}) )?(?:{_any(words)})", said)
        if found:
            return {"kind": "interval", unit: int(found[1] or 1)}
    return None


def _at_a_time(said: str) -> dict[str, Any] | None:
    found = TIME.fullmatch(said)
    if not found:
        return None
    days, hour, minute = found[1].strip(" ,"), int(found[2]), int(found[3])
    numbers = _days(re.sub(rf" (?:{_any(AT)})$", "", days).strip(" ,"))
    if not numbers or hour > 23 or minute > 59:
        return None
    return {"kind": "cron", "cron": f"{minute} {hour} * * {numbers}"}


def _days(said: str) -> str:
    """As a cron pattern has them; empty for what names no days."""
    for words, numbers in ((DAILY, "*"), (WORKDAYS, "1-5"), (WEEKEND, "0,6")):
        if re.fullmatch(_any(words), said):
            return numbers
    names = re.split(rf" (?:,|{_any(AND)}) ", said)
    if not set(names) <= set(_weekdays()):
        return ""
    return ",".join(str(number) for number in sorted({_weekdays()[name] for name in names}))


@cache
def _weekdays() -> dict[str, int]:
    """Cron's numbers by the names in every language of the pages: a spreadsheet travels."""
    known: dict[str, int] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for day in range(7):
                full, short = str(WEEKDAYS[day]).casefold(), str(WEEKDAYS_ABBR[day]).casefold()
                known |= dict.fromkeys((full, f"{full}s", short.rstrip(".")), (day + 1) % 7)
    return known


@cache
def _any(words: str) -> str:
    said: list[str] = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            said += gettext(words).casefold().split(", ")
    return "|".join(re.escape(each) for each in dict.fromkeys(said))

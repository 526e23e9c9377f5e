"""How a cron expression may be written, and the words for what is wrong with one."""

from __future__ import annotations

import re
from typing import NoReturn

from django.utils.translation import gettext as _

MAX_LENGTH = 255
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = ("minute", "hour", "day", "month", "weekday")
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name: number for number, name in enumerate(MONTHS, start=1)},
    {name: number for number, name in enumerate(WEEKDAYS)},
)
_TERM = re.compile(
    r"(?P<low>\*|[0-9]{1,3}|[a-z]{3})(?:-(?P<high>[0-9]{1,3}|[a-z]{3}))?(?:/(?P<step>[0-9]{1,3}))?",
    re.ASCII,
)


class CronError(ValueError):
    """`field` is one of FIELDS or "expression"; the message is for people."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def canonical(expression: str) -> str:
    """The expression in lower case, with single blanks and without aliases."""
    fields = _clean(expression).split()
    if len(fields) != len(FIELDS):
        _refuse_parts(len(fields))
    return " ".join(_normal_field(index, field) for index, field in enumerate(fields))


def _clean(expression: str) -> str:
    if not isinstance(expression, str):
        raise CronError(_("A cron pattern is text."), field="expression")
    if len(expression) > MAX_LENGTH:
        message = _("A cron pattern has at most %(limit)d characters; this one has %(length)d.")
        raise CronError(
            message % {"limit": MAX_LENGTH, "length": len(expression)}, field="expression"
        )
    if not (expression.isascii() and expression.replace("\t", " ").isprintable()):
        message = _("A cron pattern is one line of plain letters, digits, blanks and * , - /.")
        raise CronError(message, field="expression")
    text = expression.strip().lower()
    return _alias(text) if text.startswith("@") else text


def _alias(text: str) -> str:
    if text == "@reboot":
        message = _("@reboot has no time. To run when the scheduler starts, choose that instead.")
        raise CronError(message, field="expression")
    if text not in ALIASES:
        message = _("%(text)s is not known. Use one of %(known)s, or five parts.")
        raise CronError(
            message % {"text": text[:30], "known": ", ".join(ALIASES)}, field="expression"
        )
    return ALIASES[text]


def _refuse_parts(count: int) -> NoReturn:
    if not count:
        message = _("Write a cron pattern with five parts. Example: 30 6 * * 1-5.")
    else:
        message = _(
            "A cron pattern has five parts: minute, hour, day of month, month, day of week; this"
            " one has %(count)d. Example: 30 6 * * 1-5."
        ) % {"count": count}
    raise CronError(message, field="expression")


def field_label(index: int) -> str:
    return (_("Minute"), _("Hour"), _("Day of month"), _("Month"), _("Day of week"))[index]


def allowed_values(index: int) -> str:
    return (
        _("0 to 59"),
        _("0 to 23"),
        _("1 to 31"),
        _("1 to 12, or jan to dec"),
        _("0 to 7 (0 and 7 are Sunday), or sun to sat"),
    )[index]


def _refuse_value(index: int, text: str) -> NoReturn:
    message = _("%(field)s must be %(allowed)s; you wrote %(text)s.") % {
        "field": field_label(index),
        "allowed": allowed_values(index),
        "text": text[:30] or _("nothing"),
    }
    raise CronError(message, field=FIELDS[index])


def _normal_field(index: int, field: str) -> str:
    return ",".join(_normal_term(index, term) for term in field.split(","))


def _normal_term(index: int, term: str) -> str:
    match = _TERM.fullmatch(term)
    if not match:
        _refuse_value(index, term)
    low, high, step = match["low"], match["high"], match["step"]
    if low != "*":
        _check_range(index, term, low, high)
    elif high is not None:
        _refuse_value(index, term)
    if step is not None:
        _check_step(index, term, low, high, int(step))
    # croniter reads a-a as the whole field, cron as the one value.
    if high is not None and _value(index, low, term) == _value(index, high, term):
        return low
    return term


def _value(index: int, text: str, term: str) -> int:
    value = int(text) if text.isdigit() else NAMES[index].get(text, -1)
    low, high = LIMITS[index]
    if not low <= value <= high:
        _refuse_value(index, term)
    return value


def _check_range(index: int, term: str, low: str, high: str | None) -> None:
    first = _value(index, low, term)
    if high is None or first <= _value(index, high, term):
        return
    last = _value(index, high, term)
    whole = [*range(first, min(LIMITS[index][1], 6 if index == 4 else 99) + 1)]
    values = [*whole, *range(LIMITS[index][0], last + 1)]
    named = dict(zip(NAMES[index].values(), NAMES[index], strict=True)) if low.isalpha() else {}
    written = ",".join(str(named.get(value, value)) for value in values)
    message = _("%(field)s: %(term)s runs backwards. Write %(instead)s instead.") % {
        "field": field_label(index),
        "term": term,
        "instead": written if len(values) <= 12 else f"{low}-{whole[-1]},{LIMITS[index][0]}-{high}",
    }
    raise CronError(message, field=FIELDS[index])


def _check_step(index: int, term: str, low: str, high: str | None, step: int) -> None:
    if step == 0:
        message = _("%(field)s: the step after / must be 1 or more; you wrote %(term)s.")
        values = {"field": field_label(index), "term": term}
        raise CronError(message % values, field=FIELDS[index])
    if low != "*" and high is None:
        # Crons disagree about it: some read 5/15 as 5, others as 5-59/15.
        message = _("%(field)s: a step needs * or a range before it. Write %(instead)s instead.")
        values = {"field": field_label(index), "instead": f"{low}-{LIMITS[index][1]}/{step}"}
        raise CronError(message % values, field=FIELDS[index])

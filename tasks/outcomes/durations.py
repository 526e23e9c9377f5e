from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE, HOUR, DAY = 60, 3600, 86_400


def duration(seconds: float) -> str:
    """Two units at most: "3 min 12 s", "1 h 24 min", "5 days"."""
    total = max(0, round(seconds))
    if total < MINUTE:
        return _("%(n)s s") % {"n": total}
    if total < HOUR:
        return _two(_("%(n)s min"), total // MINUTE, _("%(n)s s"), total % MINUTE)
    if total < DAY:
        return _two(_("%(n)s h"), total // HOUR, _("%(n)s min"), total % HOUR // MINUTE)
    days, hours = total // DAY, total % DAY // HOUR
    if days == 1 and hours:
        return _two(_("%(n)s d"), days, _("%(n)s h"), hours)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def _two(first: str, a: int, second: str, b: int) -> str:
    return first % {"n": a} + (" " + second % {"n": b} if b else "")

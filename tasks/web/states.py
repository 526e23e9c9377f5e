from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy, npgettext_lazy


# Each is the only one of its kind: comparing by value would translate its word every time.
@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How one state of a run is shown: never by colour alone."""

    key: str
    word: Promise | str
    icon: str
    shape: str


WAITING = Look("queued", gettext_lazy("Waiting"), "clock", "waiting")
RUNNING = Look("running", gettext_lazy("Running"), "spin", "running")
FINISHED = Look("ok", gettext_lazy("Finished"), "check", "ok")
NEEDS_LOOK = Look("check", gettext_lazy("Needs a look"), "alert", "check")
FAILED = Look("failed", gettext_lazy("Failed"), "x", "failed")
TOOK_TOO_LONG = Look("timeout", gettext_lazy("Took too long"), "hourglass", "timeout")
LOST = Look("lost", gettext_lazy("Lost contact"), "x", "failed")
STOPPED = Look("stopped", gettext_lazy("Stopped"), "stop", "stopped")
MISSED = Look("missed", gettext_lazy("Missed"), "missed", "missed")
SKIPPED = Look("skipped", gettext_lazy("Skipped"), "skip", "skipped")

BY_STATUS = {
    "queued": WAITING,
    "starting": RUNNING,
    "running": RUNNING,
    "succeeded": FINISHED,
    "suspicious": NEEDS_LOOK,
    "failed": FAILED,
    "cancelled": STOPPED,
    "missed": MISSED,
    "skipped": SKIPPED,
}
BY_REASON = {("failed", "timeout"): TOOK_TOO_LONG, ("failed", "lost"): LOST}


def look_of(status: str, reason: str = "") -> Look:
    return BY_REASON.get((status, reason)) or BY_STATUS[status]


COUNTED = {
    "ok": ngettext_lazy("%(n)s finished", "%(n)s finished", "n"),
    "check": ngettext_lazy("%(n)s needs a look", "%(n)s need a look", "n"),
    "failed": ngettext_lazy("%(n)s failed", "%(n)s failed", "n"),
    "timeout": ngettext_lazy("%(n)s took too long", "%(n)s took too long", "n"),
    "lost": ngettext_lazy("%(n)s lost contact", "%(n)s lost contact", "n"),
    "stopped": npgettext_lazy("runs", "%(n)s stopped", "%(n)s stopped", "n"),
    "missed": ngettext_lazy("%(n)s missed", "%(n)s missed", "n"),
    "skipped": ngettext_lazy("%(n)s skipped", "%(n)s skipped", "n"),
    "running": npgettext_lazy("runs", "%(n)s running", "%(n)s running", "n"),
    "queued": ngettext_lazy("%(n)s waiting", "%(n)s waiting", "n"),
}


ORDER = (
    FINISHED,
    NEEDS_LOOK,
    FAILED,
    TOOK_TOO_LONG,
    LOST,
    STOPPED,
    MISSED,
    SKIPPED,
    RUNNING,
    WAITING,
)


def summary(looks: Iterable[Look]) -> str:
    """The text that says what a status bar draws."""
    counts = Counter(look.key for look in looks)
    total = counts.total()
    if not total:
        return _("No runs yet")
    parts = [COUNTED[look.key] % {"n": counts[look.key]} for look in ORDER if counts[look.key]]
    return ngettext("Last run: %(parts)s", "Last %(n)s runs: %(parts)s", total) % {
        "n": total,
        "parts": ", ".join(parts),
    }

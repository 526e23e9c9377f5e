"""Ways to tell people. A new one is one class and one line here; checks of tasks, the outbox and
the delivery know it from then on. A recipient says by its form which channel it takes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, cast

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from tasks.channels.base import Channel
from tasks.models import Alert

CHANNELS: dict[str, str] = {
    "email": "tasks.channels.email.EmailChannel",
}
MOST_RECIPIENTS = 20
KINDS = list(Alert.Kind.values)
# What can be told on its own; good news only follow bad ones.
TROUBLE = (Alert.Kind.FAILED, Alert.Kind.SUSPICIOUS, Alert.Kind.MISSED)


@cache
def channel_of(name: str) -> Channel:
    return cast("Channel", import_string(CHANNELS[name])())


def channel_for(recipient: str) -> Channel | None:
    return next((each for each in map(channel_of, CHANNELS) if each.accepts(recipient)), None)


def clean_recipients(given: Any) -> tuple[list[str], list[str]]:
    """As they are stored, each once; and what is wrong with them."""
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, str) for each in given):
        return [], [_("Write a list of addresses.")]
    if len(given) > MOST_RECIPIENTS:
        return [], [_("At most %(n)s addresses get alerts.") % {"n": MOST_RECIPIENTS}]
    found: dict[str, str] = {}
    problems = []
    for text in given:
        try:
            recipient = _clean_one(text)
        except ValueError as error:
            problems.append(str(error))
        else:
            found.setdefault(recipient.casefold(), recipient)
    return list(found.values()), problems


def _clean_one(text: str) -> str:
    recipient = text.strip(" ")
    channel = channel_for(recipient)
    if channel is None:
        shown = "".join(each if each.isprintable() else "�" for each in recipient)[:100]
        raise ValueError(_("“%s” is no e-mail address.") % shown)
    return channel.clean(recipient)


def clean_kinds(given: Any, *, recipients: Iterable[str]) -> tuple[list[str], list[str]]:
    allowed = ", ".join(KINDS)
    if not isinstance(given, (list, tuple)) or set(map(str, given)) - set(KINDS):
        return [], [_("Choose among: %s.") % allowed]
    chosen = [kind for kind in KINDS if kind in given]
    if recipients and not set(chosen) & set(TROUBLE):
        return [], [_("Choose what to send an alert for: %s.") % ", ".join(TROUBLE)]
    return chosen, []

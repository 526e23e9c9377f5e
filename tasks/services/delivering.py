"""Sends what is in the outbox.

1. A claim, which is one conditional update, counts the try and says until when nobody else may try.
2. The message is sent. 3. Its end is written: sent, another try later, or given up.
Who dies between 1 and 3 leaves an alert that is tried again when its claim has run out; the message
has the same id then.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone

from tasks.channels import CHANNELS, channel_of
from tasks.channels.base import NotDelivered, Send
from tasks.models import Alert
from tasks.services.notices import in_its_language, notice_of

logger = logging.getLogger(__name__)
Status = Alert.Status
# After each try in vain, in seconds: five tries over two hours.
WAITS = (60, 600, 1800, 4800)
TRIES = len(WAITS) + 1
# Longer than any try takes.
CLAIM = timedelta(minutes=10)
BATCH = 50


def deliver_due(*, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Sends the alerts whose time has come; returns how many were sent."""
    pending = Alert.objects.filter(status=Status.PENDING, next_try_at__lte=timezone.now())
    found = pending.select_related("run").order_by("next_try_at", "pk")[:BATCH]
    due = sorted(found, key=lambda alert: alert.channel)
    return sum(
        _deliver(channel, list(alerts), may_go_on)
        for channel, alerts in groupby(due, key=lambda alert: alert.channel)
        if channel in CHANNELS
    )


def _deliver(channel: str, alerts: Sequence[Alert], may_go_on: Callable[[], bool]) -> int:
    """Where nothing gets through, one time-out stands for all of them."""
    sent, waiting = 0, deque(alerts)
    try:
        with channel_of(channel).session() as send:
            while waiting and may_go_on():
                alert = waiting.popleft()
                if claim(alert):
                    sent += _send(alert, send)
    except NotDelivered as error:
        for alert in waiting:
            if claim(alert):
                _fail(alert, error)
    return sent


def _send(alert: Alert, send: Send) -> bool:
    try:
        with in_its_language():
            send(notice_of(alert), alert.recipient)
    except NotDelivered as error:
        _fail(alert, error)
        if error.is_down:
            raise
        return False
    except Exception:  # one that can't be written must not keep the others back
        logger.exception("alert %s could not be written", alert.pk)
        _fail(alert, NotDelivered("alert_broken"))
        return False
    _settle(alert, status=Status.SENT, sent_at=timezone.now(), last_error={})
    logger.info("alert %s of run %s sent: %s", alert.pk, alert.run_id, alert.kind)
    return True


def claim(alert: Alert, *, now: datetime | None = None) -> bool:
    """False: another process has it, or it was tried often enough."""
    now = now or timezone.now()
    if alert.attempts >= TRIES:
        _settle(alert, status=Status.GAVE_UP, last_error={"code": "alert_interrupted"})
        return False
    return _settle(alert, attempts=alert.attempts + 1, next_try_at=now + CLAIM)


def _settle(alert: Alert, **fields: Any) -> bool:
    """Writes only what nobody else has written since it was read."""
    rows = Alert.objects.filter(
        pk=alert.pk,
        status=Status.PENDING,
        attempts=alert.attempts,
        next_try_at=alert.next_try_at,
    )
    if rows.update(**fields) != 1:
        return False
    for name, value in fields.items():
        setattr(alert, name, value)
    return True


def _fail(alert: Alert, error: NotDelivered) -> None:
    is_over = error.final or alert.attempts >= TRIES
    logger.warning(
        "alert %s of run %s not sent (try %s of %s): %s",
        alert.pk, alert.run_id, alert.attempts, TRIES, error,
    )  # fmt: skip
    if is_over:
        _settle(alert, status=Status.GAVE_UP, last_error=error.said)
        return
    wait = timedelta(seconds=WAITS[alert.attempts - 1])
    _settle(alert, next_try_at=timezone.now() + wait, last_error=error.said)

"""What a page tells of alerts: to whom, when, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.models import Alert, Run
from tasks.outcomes import sentence
from tasks.web import when

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AlertLine:
    icon: str
    words: str
    is_bad: bool = False


def alert_lines(run: Run, now: datetime, zone: tzinfo) -> list[AlertLine]:
    if not run.is_ended or run.trigger == Run.Trigger.TEST:
        return []
    clock = when.Clock(now, zone)
    return [_line(alert, clock) for alert in run.alerts.all()]


def _line(alert: Alert, clock: when.Clock) -> AlertLine:
    values = {"who": alert.recipient, "why": sentence(alert.last_error) if alert.last_error else ""}
    if alert.status == Alert.Status.SENT and alert.sent_at:
        at = clock.absolute(alert.sent_at)
        return AlertLine("check", _("Alert sent to %(who)s, %(at)s.") % {**values, "at": at})
    if alert.status == Alert.Status.GAVE_UP:
        words = _("The alert to %(who)s could not be sent and is given up. %(why)s")
        return AlertLine("alert", words % values, is_bad=True)
    if alert.last_error:
        words = _("The alert to %(who)s could not be sent yet. %(why)s Next try: %(at)s.")
        return AlertLine("clock", words % {**values, "at": clock.absolute(alert.next_try_at)})
    return AlertLine("clock", _("An alert to %(who)s is on its way.") % values)


def given_up(now: datetime) -> str:
    """For the home page, of the last day; empty where all went well."""
    lost = Alert.objects.filter(created_at__gte=now - DAY, status=Alert.Status.GAVE_UP)
    n = lost.count()
    if not n:
        return ""
    newest = lost.order_by("-created_at", "-pk").first()
    words = ngettext(
        "%(n)s alert of the last 24 hours could not be sent. %(why)s",
        "%(n)s alerts of the last 24 hours could not be sent. %(why)s",
        n,
    )
    return words % {"n": n, "why": sentence(newest.last_error) if newest else ""}

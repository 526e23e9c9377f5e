"""What an alert says, composed when it is sent: in plain words, with the run's own figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from uuid import uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from tasks.channels import channel_of
from tasks.channels.base import Notice
from tasks.models import Alert, Run
from tasks.outcomes import explain
from tasks.outcomes.durations import duration
from tasks.runtime.redact import redacted
from tasks.services.baseline import Baseline, baseline_of
from tasks.zones import load_zone

Kind = Alert.Kind
Figure = tuple[str, str]


def notice_of(alert: Alert) -> Notice:
    """In the language that is active."""
    run = alert.run
    zone = _zone_of(alert)
    # A mail leaves the house, and is kept by others.
    said = explain(run.reason, redacted(run.detail), zone=zone)
    is_good = alert.kind == Kind.RECOVERED
    return Notice(
        kind=alert.kind,
        task_id=run.task_key,
        task_name=run.task_name,
        subject=_subject(alert, said.title),
        happened=_("The newest run ended well.") if is_good else _happened(run, said.happened),
        cause="" if is_good else said.cause,
        next_steps=[] if is_good else said.next_steps,
        figures=list(_figures(run, zone)),
        run_url=settings.SITE_URL + reverse("admin:tasks_run_page", args=[run.pk]),
        task_url=_task_url(run),
        id=str(uuid5(run.pk, f"{alert.channel} {alert.recipient} {alert.kind}")),
    )


def in_its_language() -> override:
    return override(settings.ALERT_LANGUAGE)


def _subject(alert: Alert, title: str) -> str:
    shapes = {
        Kind.FAILED: _("%(task)s failed: %(title)s"),
        Kind.SUSPICIOUS: _("%(task)s needs a look: %(title)s"),
        Kind.MISSED: _("%(task)s was missed"),
        Kind.RECOVERED: _("%(task)s is good again"),
    }
    return shapes[Kind(alert.kind)] % {"task": alert.run.task_name, "title": title}


def _happened(run: Run, sentence: str) -> str:
    if run.attempt == 1:
        return sentence
    tries = _("This was try number %(n)s; no further one follows.") % {"n": run.attempt}
    return f"{sentence} {tries}"


def _figures(run: Run, zone: tzinfo) -> Iterator[Figure]:
    yield _("Planned for") if run.scheduled_for else _("When"), _moment(run.at, zone)
    if run.status == Run.Status.MISSED:
        return
    usual = baseline_of(run)
    yield _("Items"), _against(run.items, usual)
    yield _("Pages"), _number(run.pages)
    yield _("Errors"), _number(run.errors)
    taken = run.duration()
    if taken is not None:
        yield _("Duration"), _duration(taken.total_seconds(), usual)


def _against(items: int, usual: Baseline | None) -> str:
    if usual is None:
        return _number(items)
    values = {"n": _number(items), "usual": _number(round(usual.items))}
    return _("%(n)s; usual are %(usual)s") % values


def _duration(seconds: float, usual: Baseline | None) -> str:
    if usual is None or not usual.seconds:
        return duration(seconds)
    values = {"n": duration(seconds), "usual": duration(usual.seconds)}
    return _("%(n)s; usual are %(usual)s") % values


def _number(n: int) -> str:
    return number_format(n, force_grouping=True)


def _moment(moment: datetime, zone: tzinfo) -> str:
    shown = date_format(moment.astimezone(zone), _("l j F, H:i"))
    return f"{shown} ({getattr(zone, 'key', zone)})"


def _task_url(run: Run) -> str:
    if run.task_id is None:
        return ""
    return settings.SITE_URL + reverse("admin:tasks_task_change", args=[run.task_id])


def _zone_of(alert: Alert) -> tzinfo:
    """The recipient's own clock where it is one of our people, else the scheduler's."""
    name = ""
    if channel_of(alert.channel).reaches_people:
        people = get_user_model().objects.filter(email__iexact=alert.recipient, is_active=True)
        name = people.values_list("profile__timezone", flat=True).first() or ""
    try:
        return load_zone(name or settings.SCHEDULER_TIMEZONE)
    except ValueError:
        return ZoneInfo("UTC")

"""Holds and blackouts: times in which nothing starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from tasks.models import Blackout, Hold
from tasks.services.controls import (
    current_hold,
    hold_everything,
    release_hold,
    remove_blackout,
    save_blackout,
)
from tasks.services.errors import InvalidInput
from tasks.web import names, when
from tasks.web.actions import action, actor_of
from tasks.web.forms.patterns import WEEKDAYS
from tasks.web.forms.simple import BlackoutForm, HoldForm
from tasks.web.people import Row
from tasks.web.zones import zone_of

MOST = 100


def hold_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    form = HoldForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _hold(request, form):
        return redirect("admin:index")
    now, zone = timezone.now(), zone_of(request.user)
    holds = Hold.objects.all()[:20]
    known = names.full_names(hold.author for hold in holds)
    past = [_past(hold, now, zone, known) for hold in holds]
    return TemplateResponse(
        request,
        "tasks/hold.html",
        {
            **context,
            "title": _("Hold everything"),
            "form": form,
            "hold": current_hold(),
            "past": past,
        },
    )


def _past(hold: Hold, now: datetime, zone: tzinfo, known: Mapping[str, str]) -> dict[str, str]:
    ended = hold.released_at or hold.ends_at
    return {
        "note": hold.note,
        "author": known.get(hold.author, hold.author),
        "start": when.absolute(hold.starts_at, now, zone),
        "end": when.absolute(ended, now, zone) if ended else "–",
    }


def _hold(request: HttpRequest, form: HoldForm) -> bool:
    ends_at = form.cleaned_data["ends_at"]
    if ends_at is not None:
        ends_at = ends_at.replace(tzinfo=zone_of(request.user))
    try:
        hold_everything(note=form.cleaned_data["note"], ends_at=ends_at, actor=actor_of(request))
    except InvalidInput as error:
        form.show(error)
        return False
    messages.success(request, _("Everything is on hold. Runs that were going go on."))
    return True


@action
def release(request: HttpRequest) -> HttpResponse:
    release_hold(actor=actor_of(request))
    messages.success(request, _("The hold is over. Tasks start again at their planned times."))
    return redirect("admin:index")


def blackout_list(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    rows = [
        Row(
            name=blackout.name,
            url=reverse("admin:tasks_blackout_change", args=[blackout.pk]),
            cells=[
                blackout.task.name if blackout.task else _("Every task"),
                _span(blackout),
                _("On") if blackout.enabled else _("Off"),
            ],
        )
        for blackout in Blackout.objects.select_related("task")[:MOST]
    ]
    may_add = request.user.has_perm("tasks.add_blackout")
    return TemplateResponse(
        request,
        "tasks/simple_list.html",
        {
            **context,
            "title": _("Blackouts"),
            "intro": _("Times in which planned runs are skipped: nights, holidays, inventory."),
            "columns": [_("Name"), _("For"), _("When"), _("On or off")],
            "rows": rows,
            "empty": _("No blackouts. Planned runs start at any time."),
            "add_url": reverse("admin:tasks_blackout_add") if may_add else "",
            "add_word": _("New blackout"),
        },
    )


def _span(blackout: Blackout) -> str:
    zone = ZoneInfo(blackout.timezone)
    if blackout.starts_at and blackout.ends_at:
        now = timezone.now()
        start, end = (when.absolute(m, now, zone) for m in (blackout.starts_at, blackout.ends_at))
        return f"{start} – {end}, {when.zone_label(zone)}"
    days = ", ".join(
        str(WEEKDAYS_ABBR[i]) for i, name in enumerate(WEEKDAYS) if name in blackout.weekdays
    )
    times = f"{blackout.start_time:%H:%M} – {blackout.end_time:%H:%M}"
    return f"{days} {times}, {when.zone_label(zone)}"


def blackout_form(
    request: HttpRequest, context: dict[str, Any], blackout: Blackout | None
) -> HttpResponse:
    form = BlackoutForm(request.POST if request.method == "POST" else None, blackout=blackout)
    if request.method == "POST" and form.is_valid() and _save(request, form, blackout):
        return redirect("admin:tasks_blackout_changelist")
    return TemplateResponse(
        request,
        "tasks/simple_form.html",
        {
            **context,
            "title": blackout.name if blackout else _("New blackout"),
            "intro": _("Fill in either “Once” or “Every week”."),
            "form": form,
            "save_word": _("Save"),
            "back_url": reverse("admin:tasks_blackout_changelist"),
            "back_word": _("Blackouts"),
            "delete_url": reverse("admin:blackout_delete", args=[blackout.pk]) if blackout else "",
            "delete_word": _("Delete this blackout"),
            "delete_note": _("Planned runs start again in this time."),
        },
    )


def _save(request: HttpRequest, form: BlackoutForm, blackout: Blackout | None) -> bool:
    data = dict(form.cleaned_data)
    zone = ZoneInfo(data["timezone"])
    for name in ("starts_at", "ends_at"):
        data[name] = data[name].replace(tzinfo=zone) if data[name] else None
    try:
        saved = save_blackout(
            blackout_id=blackout.pk if blackout else None, actor=actor_of(request), **data
        )
    except InvalidInput as error:
        form.show(error)
        return False
    messages.success(request, _("“%s” is saved.") % saved.name)
    return True


@action
def blackout_delete(request: HttpRequest, pk: int) -> HttpResponse:
    if not Blackout.objects.filter(pk=pk).exists():
        raise Http404
    remove_blackout(blackout_id=pk, actor=actor_of(request))
    messages.success(request, _("The blackout is deleted."))
    return redirect("admin:tasks_blackout_changelist")

"""Holds and blackouts: times in which schedules start nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import Blackout, Hold
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import Conflict, InvalidInput, NotFound

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def current_hold(*, now: datetime | None = None) -> Hold | None:
    return Hold.objects.in_force(now or timezone.now()).first()


def hold_everything(*, note: str, ends_at: datetime | None = None, actor: Actor = PYTHON) -> Hold:
    """From now on no schedule starts a run; each firing is recorded as skipped."""
    actor.demand("add_hold")
    now = timezone.now()
    if not note.strip():
        raise InvalidInput({"note": [_("Say why, so that colleagues know.")]})
    if ends_at is not None and ends_at <= now:
        raise InvalidInput({"ends_at": [_("That moment has already passed.")]})
    hold = Hold(note=note.strip(), author=actor.name, starts_at=now, ends_at=ends_at)
    _clean(hold)
    with transaction.atomic():
        if current_hold(now=now):
            raise Conflict(_("Everything is already on hold."))
        hold.save()
        audit.record(actor=actor, action="hold", changes={"note": [None, hold.note]})
    return hold


def release_hold(*, actor: Actor = PYTHON) -> None:
    actor.demand("change_hold")
    now = timezone.now()
    with transaction.atomic():
        released = Hold.objects.in_force(now).update(released_at=now, released_by=actor.name)
        if not released:
            raise Conflict(_("Nothing is on hold."))
        audit.record(actor=actor, action="release")


def save_blackout(
    *, blackout_id: int | None = None, actor: Actor = PYTHON, **fields: Any
) -> Blackout:
    """Once: `starts_at` and `ends_at`. Weekly: `weekdays`, `start_time` and `end_time`."""
    actor.demand("change_blackout" if blackout_id else "add_blackout")
    blackout = _blackout(blackout_id) if blackout_id else Blackout()
    allowed = {each.name for each in Blackout._meta.fields} - {"id"}
    if unknown := sorted(set(fields) - allowed):
        raise InvalidInput({name: [_("There is no field of this name.")] for name in unknown})
    for name, value in fields.items():
        setattr(blackout, name, value)
    _check_week(blackout)
    _check_times(blackout)
    _clean(blackout)
    with transaction.atomic():
        blackout.save()
        audit.record(
            actor=actor, action="blackout", task=blackout.task,
            changes={"name": [None, blackout.name]},
        )  # fmt: skip
    return blackout


def _check_week(blackout: Blackout) -> None:
    if blackout.timezone not in available_timezones():
        raise InvalidInput({"timezone": [_("Choose a time zone from the list.")]})
    days = blackout.weekdays
    if not isinstance(days, list) or set(map(str, days)) - set(WEEKDAYS):
        raise InvalidInput({"weekdays": [_("Days are mon, tue, wed, thu, fri, sat or sun.")]})
    if blackout.start_time is not None and not days:
        raise InvalidInput(
            {"weekdays": [_("No day is chosen. Choose at least one day of the week.")]}
        )


def _check_times(blackout: Blackout) -> None:
    """The database's own rule, in words that say what to do."""
    once = (blackout.starts_at, blackout.ends_at)
    weekly = (blackout.start_time, blackout.end_time)
    if any(once) and (any(weekly) or blackout.weekdays):
        problem = ("starts_at", _("Fill in “Once” or “Every week”, not both."))
    elif any(once) and not all(once):
        problem = (_empty_of(blackout, "starts_at", "ends_at"), _("Give this moment too."))
    elif blackout.starts_at and blackout.ends_at and blackout.ends_at <= blackout.starts_at:
        problem = ("ends_at", _("It has to end after it starts."))
    elif (any(weekly) or blackout.weekdays) and not all(weekly):
        problem = (_empty_of(blackout, "start_time", "end_time"), _("Give this time too."))
    elif not any(once) and not any(weekly):
        problem = ("starts_at", _("Say when: fill in “Once” or “Every week”."))
    else:
        return
    raise InvalidInput({problem[0]: [problem[1]]})


def _empty_of(blackout: Blackout, *names: str) -> str:
    return next(name for name in names if getattr(blackout, name) is None)


def remove_blackout(*, blackout_id: int, actor: Actor = PYTHON) -> None:
    actor.demand("delete_blackout")
    blackout = _blackout(blackout_id)
    with transaction.atomic():
        audit.record(
            actor=actor, action="blackout", task=blackout.task,
            changes={"name": [blackout.name, None]},
        )  # fmt: skip
        blackout.delete()


def _blackout(blackout_id: int) -> Blackout:
    blackout = Blackout.objects.filter(pk=blackout_id).first()
    if blackout is None:
        raise NotFound({"blackout": [_("There is no such blackout.")]})
    return blackout


def _clean(row: Hold | Blackout) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidInput(error.message_dict) from None

"""Sends a task's alert for a try, at once and beside the outbox: whoever asks sees how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from tasks.channels import channel_for
from tasks.channels.base import NotDelivered, Notice
from tasks.models import Task
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import InvalidInput
from tasks.services.notices import in_its_language
from tasks.services.tasks import get_task


@dataclass(frozen=True, kw_only=True)
class Tried:
    recipient: str
    problem: str = ""


def send_test_alert(*, task_id: str, actor: Actor = PYTHON) -> list[Tried]:
    """To each recipient; a mail server that hangs takes its time-out here."""
    actor.demand("change_task")
    task = get_task(task_id)
    if not task.alert_to:
        raise InvalidInput({"alert_to": [_("“%s” sends alerts to nobody.") % task.name]})
    return [_try(task, recipient) for recipient in task.alert_to]


def _try(task: Task, recipient: str) -> Tried:
    channel = channel_for(recipient)
    if channel is None:
        return Tried(recipient=recipient, problem=_("“%s” is no e-mail address.") % recipient)
    try:
        with channel.session() as send, in_its_language():
            send(_notice(task), recipient)
    except NotDelivered as error:
        return Tried(recipient=recipient, problem=str(error))
    return Tried(recipient=recipient)


def _notice(task: Task) -> Notice:
    url = settings.SITE_URL + reverse("admin:tasks_task_change", args=[task.pk])
    return Notice(
        kind="test",
        task_id=task.task_id,
        task_name=task.name,
        subject=_("%s: a try of its alerts") % task.name,
        happened=_("Nothing happened: somebody tried whether alerts of this task arrive."),
        cause="",
        next_steps=[],
        figures=[],
        run_url="",
        task_url=url,
        id=str(uuid4()),
    )

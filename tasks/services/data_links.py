"""Read-only addresses of a task's latest good items, for spreadsheets that refresh by themselves.

Whoever has the address can read, so it is shown once, stored as a hash, and can be revoked.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import DataLink, Run
from tasks.services import audit
from tasks.services.actors import PYTHON, Actor
from tasks.services.errors import InvalidInput, NotFound
from tasks.services.tasks import get_task

FORMATS = ("csv", "xlsx", "json")
MAX_SECRET = 100
TOUCH_EVERY = timedelta(minutes=1)


def create_data_link(
    *, task_id: str, name: str = "", actor: Actor = PYTHON
) -> tuple[DataLink, str]:
    """The link and its secret, which can't be shown again; see `path_of`."""
    actor.demand("add_datalink")
    if len(name) > 100 or "\x00" in name:
        raise InvalidInput({"name": [_("Give it a name of at most 100 characters.")]})
    task = get_task(task_id)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = DataLink.objects.create(
            task=task, digest=_digest(secret), name=name.strip(), created_by=actor.name
        )
        audit.record(
            actor=actor, action="data link", task=task, changes={"name": [None, str(link)]}
        )
    return link, secret


def path_of(secret: str, file_format: str) -> str:
    return f"/data/{secret}.{file_format}"


def revoke_data_link(*, link_id: int, actor: Actor = PYTHON) -> None:
    actor.demand("delete_datalink")
    link = DataLink.objects.select_related("task").filter(pk=link_id).first()
    if link is None:
        raise NotFound({"link": [_("There is no such address.")]})
    with transaction.atomic():
        if DataLink.objects.filter(pk=link_id, revoked_at=None).update(revoked_at=timezone.now()):
            changes: audit.Changes = {"name": [str(link), None]}
            audit.record(actor=actor, action="data link", task=link.task, changes=changes)


def latest_good_run(*, secret: str) -> Run | None:
    """The run whose items the address gives. Raises NotFound for an unknown or revoked one."""
    link = None
    if len(secret) <= MAX_SECRET:
        link = DataLink.objects.filter(digest=_digest(secret), revoked_at__isnull=True).first()
    if link is None:
        raise NotFound({"link": [_("There is no such address.")]})
    _touch(link)
    good = Run.objects.filter(task=link.task_id, status=Run.Status.SUCCEEDED)
    return good.exclude(trigger=Run.Trigger.TEST).newest_first().first()


def _touch(link: DataLink) -> None:
    now = timezone.now()
    if link.last_used_at is None or now - link.last_used_at > TOUCH_EVERY:
        DataLink.objects.filter(pk=link.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

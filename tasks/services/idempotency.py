"""A POST that is sent again with the same key does its work once and gets the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import IdempotencyKey
from tasks.services.errors import Conflict, InvalidInput

KEPT_FOR = timedelta(hours=24)
# Whoever takes longer than this to answer has died over it.
GIVEN_UP_AFTER = timedelta(minutes=2)
HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Replay:
    status: int
    response: Any


def begin(*, owner: str, key: str, request_hash: str) -> IdempotencyKey | Replay:
    """The row to finish or to abandon, or the answer of the first time.

    Raises Conflict while the first one is at work, InvalidInput for another request's key.
    """
    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= 255):
        raise InvalidInput({HEADER: [_("Send 1 to 255 plain characters.")]})
    _forget_old(owner)
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(owner=owner, key=key, request_hash=request_hash)
    except IntegrityError:
        return _known(IdempotencyKey.objects.filter(owner=owner, key=key).first(), request_hash)


def finish(row: IdempotencyKey, *, status: int, response: Any) -> None:
    IdempotencyKey.objects.filter(pk=row.pk).update(status_code=status, response=response)


def abandon(row: IdempotencyKey) -> None:
    """Nothing was done: the next one may try."""
    IdempotencyKey.objects.filter(pk=row.pk, status_code__isnull=True).delete()


def _forget_old(owner: str) -> None:
    now = timezone.now()
    rows = IdempotencyKey.objects.filter(owner=owner)
    rows.filter(created_at__lt=now - KEPT_FOR).delete()
    rows.filter(created_at__lt=now - GIVEN_UP_AFTER, status_code__isnull=True).delete()


def _known(row: IdempotencyKey | None, request_hash: str) -> Replay:
    if row is None:  # abandoned a moment ago
        raise _not_yet()
    if row.request_hash != request_hash:
        raise InvalidInput({HEADER: [_("This key was already used for another request.")]})
    if row.status_code is None:
        raise _not_yet()
    return Replay(row.status_code, row.response)


def _not_yet() -> Conflict:
    return Conflict(_("The first request with this key has not been answered yet."))

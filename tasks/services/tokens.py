"""API tokens: shown once, stored as a hash. A token has its person's rights, never more."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import ApiToken
from tasks.services import audit
from tasks.services.actors import Actor
from tasks.services.errors import Forbidden, InvalidInput, NotFound

SCOPES = ("read", "run", "write")
# Tells secret scanners and people what they have found.
MARK = "sst_"
PREFIX_LENGTH = 12
MAX_SECRET = 200
# The moment of last use is for people: exact to the minute, so that reading stays reading.
TOUCH_EVERY = timedelta(minutes=1)


def create_token(
    *,
    user: User,
    name: str,
    actor: Actor,
    scopes: Iterable[str] = ("read",),
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """The token and its secret, which can't be shown again."""
    _only_for_oneself(user, actor)
    wanted = set(scopes)
    _check(name=name, scopes=wanted, expires_at=expires_at)
    secret = MARK + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name.strip(),
            prefix=secret[:PREFIX_LENGTH],
            digest=_digest(secret),
            scopes=[scope for scope in SCOPES if scope in wanted],
            expires_at=expires_at,
        )
        audit.record(actor=actor, action="token", changes={"name": [None, token.name]})
    return token, secret


def revoke_token(*, token_id: int, actor: Actor) -> None:
    token = ApiToken.objects.select_related("user").filter(pk=token_id).first()
    if token is None:
        raise NotFound({"token": [_("There is no such token.")]})
    if actor.user is not None and actor.user.pk != token.user_id:
        actor.demand("delete_apitoken")
    with transaction.atomic():
        # The first time stands.
        revoked = ApiToken.objects.filter(pk=token_id, revoked_at__isnull=True)
        if revoked.update(revoked_at=timezone.now()):
            audit.record(actor=actor, action="token", changes={"name": [token.name, None]})


def verify_token(secret: str) -> ApiToken | None:
    """The token, with its person; None when unknown, revoked, expired or of a person who left."""
    if not secret.startswith(MARK) or len(secret) > MAX_SECRET:
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(secret), revoked_at__isnull=True, user__is_active=True)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        .first()
    )
    if token is not None and (token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _only_for_oneself(user: User, actor: Actor) -> None:
    """A token for somebody else would lend the maker that person's rights."""
    if actor.user is not None and actor.user.pk != user.pk:
        raise Forbidden(_("A token can only be made by the person whose rights it has."))


def _check(*, name: str, scopes: set[str], expires_at: datetime | None) -> None:
    errors: dict[str, list[str]] = {}
    if not name.strip() or len(name) > 100 or "\x00" in name:
        errors["name"] = [_("Give the token a name of at most 100 characters.")]
    if not scopes or scopes - set(SCOPES):
        errors["scopes"] = [_("Choose at least one of: %s.") % ", ".join(SCOPES)]
    if expires_at is not None and expires_at <= timezone.now():
        errors["expires_at"] = [_("That moment has already passed.")]
    if errors:
        raise InvalidInput(errors)

"""Keeps arguments that are marked secret encrypted in the database."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tasks.runtime import redact

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

MASK = redact.MASK


class SecretUnreadable(ValueError):
    """SECRET_KEY differs from the one that the value was stored under."""


@lru_cache(maxsize=4)
def _fernet(key: str) -> Fernet:
    from cryptography.fernet import Fernet  # noqa: PLC0415 - 7 MB that a scheduler rarely needs

    digest = hashlib.sha256(b"spider-scheduler arguments:" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(value: Any) -> str:
    return _fernet(settings.SECRET_KEY).encrypt(json.dumps(value).encode()).decode("ascii")


def unseal(token: str) -> Any:
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

    try:
        return json.loads(_fernet(settings.SECRET_KEY).decrypt(token.encode()))
    except InvalidToken:
        raise SecretUnreadable("The stored secret can't be read with this SECRET_KEY.") from None


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of those that have another value than before, or are new."""
    return [name for name, token in after.items() if not _is_same(token, before.get(name))]


def _is_same(token: str, other: str | None) -> bool:
    # Sealed twice, the same value gives two tokens.
    try:
        return token == other or (other is not None and bool(unseal(other) == unseal(token)))
    except SecretUnreadable:
        return False

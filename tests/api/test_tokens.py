from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tasks.models import ApiToken, AuditEntry
from tasks.services.actors import person
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.tokens import create_token, revoke_token, verify_token
from tests.people import People

pytestmark = pytest.mark.django_db


def made(user: User, **fields: object) -> tuple[ApiToken, str]:
    return create_token(user=user, name="laptop", actor=person(user, "admin"), **fields)


def test_the_secret_is_nowhere_in_the_database(maja: User) -> None:
    token, secret = made(maja)
    stored = {str(getattr(token, field.name)) for field in ApiToken._meta.fields}
    assert secret not in stored
    assert token.prefix == secret[:12]
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_token_works_until_it_is_revoked(maja: User) -> None:
    token, secret = made(maja)
    assert verify_token(secret) == token
    revoke_token(token_id=token.pk, actor=person(maja, "admin"))
    assert verify_token(secret) is None


def test_a_token_works_until_it_expires(maja: User) -> None:
    token, secret = made(maja, expires_at=timezone.now() + timedelta(hours=1))
    assert verify_token(secret) == token
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert verify_token(secret) is None


def test_a_token_ends_with_its_person(maja: User) -> None:
    secret = made(maja)[1]
    maja.is_active = False
    maja.save()
    assert verify_token(secret) is None


def test_the_last_use_is_written_once_a_minute(maja: User) -> None:
    _token, secret = made(maja)
    verify_token(secret)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    verify_token(secret)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    verify_token(secret)
    assert ApiToken.objects.get().last_used_at > first


@pytest.mark.parametrize("text", ["", "sst_", "x" * 10_000, "sst_\x00", "sst_" + "é" * 20])
def test_what_is_no_token_is_refused(db: None, text: str) -> None:
    assert verify_token(text) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 101),
        ("scopes", []),
        ("scopes", ["all"]),
        ("expires_at", timezone.now() - timedelta(days=1)),
    ],
)
def test_a_wrong_token_is_not_made(maja: User, field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_token(**{"user": maja, "actor": person(maja, "admin"), "name": "x", field: value})
    assert set(caught.value.errors) == {field}


def test_nobody_makes_a_token_with_the_rights_of_another(people: People) -> None:
    with pytest.raises(Forbidden):
        create_token(user=people.anna, name="x", actor=person(people.maja, "admin"))


def test_only_administrators_revoke_the_tokens_of_others(people: People) -> None:
    token, secret = made(people.maja)
    with pytest.raises(Forbidden):
        revoke_token(token_id=token.pk, actor=person(people.olof, "admin"))
    assert verify_token(secret) == token
    revoke_token(token_id=token.pk, actor=person(people.anna, "admin"))
    assert verify_token(secret) is None

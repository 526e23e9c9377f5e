"""People and what they may do. Nobody raises their own rights."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from axes.utils import reset as forget_failures
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from tasks.models import Profile
from tasks.services import audit
from tasks.services.actors import Actor
from tasks.services.errors import Forbidden, InvalidInput, NotFound

ROLES = ("Viewer", "Operator", "Editor", "Administrator")


def role_of(user: User) -> str:
    """The widest of the person's roles; "" without one."""
    if user.is_superuser:
        return "Administrator"
    held = set(user.groups.values_list("name", flat=True))
    return next((role for role in reversed(ROLES) if role in held), "")


def save_person(
    *,
    actor: Actor,
    user_id: int | None = None,
    role: str | None = None,
    password: str | None = None,
    **fields: Any,
) -> User:
    """Fields: username, first_name, last_name, email, is_active. Raises InvalidInput by field."""
    _demand(actor, "auth.change_user" if user_id else "auth.add_user")
    user = get_person(user_id) if user_id else User(is_staff=True)
    if unknown := sorted(
        set(fields) - {"username", "first_name", "last_name", "email", "is_active"}
    ):
        raise InvalidInput({name: [_("There is no field of this name.")] for name in unknown})
    before = _state(user)
    for name, value in fields.items():
        setattr(user, name, value)
    _check_reach(user, actor)
    _set_role(user, role, actor)
    _set_password(user, password)
    _clean(user)
    _check_self(user, actor)
    with transaction.atomic():
        user.save()
        if role is not None:
            user.groups.set(Group.objects.filter(name=role))
        if password:
            # Whoever was locked out with the old one may try the new one at once.
            forget_failures(username=user.get_username())
        audit.record(actor=actor, action="person", changes=audit.difference(before, _state(user)))
    return user


def get_person(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound({"user": [_("There is no such person.")]})
    return user


def remove_person(*, user_id: int, actor: Actor) -> None:
    _demand(actor, "auth.delete_user")
    user = get_person(user_id)
    if actor.user is not None and actor.user.pk == user.pk:
        raise Forbidden(_("You can't delete yourself."))
    _check_reach(user, actor)
    with transaction.atomic():
        audit.record(actor=actor, action="person", changes=audit.difference(_state(user), {}))
        user.delete()


def save_profile(*, user: User, timezone: str | None = None, tour_done: bool | None = None) -> None:
    if timezone and timezone not in available_timezones():
        raise InvalidInput({"timezone": [_("Choose a time zone from the list.")]})
    values = {"timezone": timezone, "tour_done": tour_done}
    Profile.objects.update_or_create(
        user=user, defaults={name: value for name, value in values.items() if value is not None}
    )


def _demand(actor: Actor, permission: str) -> None:
    if actor.user is not None and not actor.user.has_perm(permission):
        raise Forbidden(_("You may not do this. Ask an administrator."))


def _state(user: User) -> dict[str, Any]:
    if user._state.adding:
        return {}
    names = ("username", "first_name", "last_name", "email", "is_active")
    return {**{name: getattr(user, name) for name in names}, "role": role_of(user)}


def _set_role(user: User, role: str | None, actor: Actor) -> None:
    if role is None:
        return
    if role not in ROLES:
        raise InvalidInput({"role": [_("Choose one of: %s.") % ", ".join(ROLES)]})
    if actor.user is not None and actor.user.pk == user.pk and role != role_of(user):
        raise Forbidden({"role": [_("You can't change your own rights.")]})
    if _exceeds(Q(group__name=role), actor):
        raise Forbidden({"role": [_("You can't give rights that you don't have yourself.")]})
    # A superuser may do all, whatever their groups are.
    user.is_superuser = user.is_superuser and role == ROLES[-1]


def _check_reach(user: User, actor: Actor) -> None:
    """Who may less doesn't reach who may more: a new password would make them one."""
    if user.is_superuser and actor.user is not None and not actor.user.is_superuser:
        raise Forbidden(_("Only the main administrator may change this person."))
    if user.pk and _exceeds(_held_by(user), actor):
        raise Forbidden(_("This person may do more than you."))


def _exceeds(held: Q, actor: Actor) -> bool:
    if actor.user is None or actor.user.is_superuser:
        return False
    own = Permission.objects.filter(_held_by(actor.user)).values("pk")
    return Permission.objects.filter(held).exclude(pk__in=own).exists()


def _held_by(user: User) -> Q:
    """Also while they may not log in."""
    return Q(group__user=user) | Q(user=user)


def _check_self(user: User, actor: Actor) -> None:
    if actor.user is not None and actor.user.pk == user.pk and not user.is_active:
        raise Forbidden({"is_active": [_("You can't switch yourself off.")]})


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        if user._state.adding:
            user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput({"password": error.messages}) from None
    user.set_password(password)


def _clean(user: User) -> None:
    try:
        user.full_clean()
    except ValidationError as error:
        raise InvalidInput(error.message_dict) from None

"""People and what they may do, and what each person sets for themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tasks.models import Profile
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.people import remove_person, role_of, save_person, save_profile
from tasks.web import when
from tasks.web.actions import action, actor_of
from tasks.web.forms.simple import MeForm, PasswordForm, PersonForm
from tasks.web.zones import zone_of

LIST = "admin:auth_user_changelist"
# The groups' names are stored in English; pages translate them.
ROLE_NAMES = (
    gettext_noop("Viewer"),
    gettext_noop("Operator"),
    gettext_noop("Editor"),
    gettext_noop("Administrator"),
)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    url: str = ""
    sub: str = ""
    cells: list[Any] = field(default_factory=list)


def list_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    now, zone = timezone.now(), zone_of(request.user)
    people = User.objects.prefetch_related("groups").order_by("first_name", "username")
    rows = [
        Row(
            name=user.get_full_name() or user.get_username(),
            url=reverse("admin:auth_user_change", args=[user.pk]),
            sub=user.get_username() if user.get_full_name() else "",
            cells=[
                _(role_of(user)) if role_of(user) else "–",
                when.absolute(user.last_login, now, zone) if user.last_login else _("never"),
                _("Yes") if user.is_active else _("No"),
            ],
        )
        for user in people
    ]
    may_add = request.user.has_perm("auth.add_user")
    return TemplateResponse(
        request,
        "tasks/simple_list.html",
        {
            **context,
            "title": _("People"),
            "columns": [_("Name"), _("Role"), _("Last login"), _("May log in")],
            "rows": rows,
            "add_url": reverse("admin:auth_user_add") if may_add else "",
            "add_word": _("New person"),
        },
    )


def form_page(request: HttpRequest, context: dict[str, Any], user: User | None) -> HttpResponse:
    form = PersonForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid() and _save(request, form, user):
        return redirect(LIST)
    own = user is not None and user.pk == request.user.pk
    deletable = user is not None and not own and request.user.has_perm("auth.delete_user")
    return TemplateResponse(
        request,
        "tasks/simple_form.html",
        {
            **context,
            "title": (user.get_full_name() or user.get_username()) if user else _("New person"),
            "form": form,
            "save_word": _("Save"),
            "back_url": reverse(LIST),
            "back_word": _("People"),
            "delete_url": reverse("admin:person_delete", args=[user.pk])
            if user and deletable
            else "",
            "delete_word": _("Delete this person"),
            "delete_note": _(
                "What they did stays in the history. To keep them from logging in, "
                "take away “May log in” instead."
            ),
        },
    )


def _save(request: HttpRequest, form: PersonForm, user: User | None) -> bool:
    data = form.cleaned_data
    given = {name: data[name] for name in ("username", "first_name", "last_name", "email")}
    try:
        saved = save_person(
            actor=actor_of(request),
            user_id=user.pk if user else None,
            role=data["role"],
            password=data["password"] or None,
            is_active=data["is_active"],
            **given,
        )
    except InvalidInput as error:
        if isinstance(error, Forbidden) and set(error.errors) == {""}:
            raise PermissionDenied(str(error)) from None
        form.show(error)
        return False
    messages.success(request, _("“%s” is saved.") % saved.get_username())
    return True


@action
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    user = User.objects.filter(pk=pk).first()
    if user is None:
        raise Http404
    remove_person(user_id=pk, actor=actor_of(request))
    messages.success(request, _("“%s” is deleted.") % user.get_username())
    return redirect(LIST)


def me(request: HttpRequest) -> HttpResponse:
    """The person's own time zone and language."""
    from django.contrib import admin  # noqa: PLC0415 - the site itself is still being built

    user = cast("User", request.user)
    profile = Profile.objects.filter(user=user).first()
    initial = {
        "timezone": profile.timezone if profile else "",
        "language": translation.get_language(),
    }
    form = MeForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        return _save_me(request, form, user)
    return TemplateResponse(
        request,
        "tasks/simple_form.html",
        {
            **admin.site.each_context(request),
            "title": _("Your settings"),
            "form": form,
            "save_word": _("Save"),
            "tokens_url": reverse("admin:me_tokens"),
            "more_url": reverse("admin:password_change"),
            "more_word": _("Change password"),
        },
    )


def password(request: HttpRequest) -> HttpResponse:
    """A new password for oneself, in the look of the other pages."""
    from django.contrib import admin  # noqa: PLC0415 - the site itself is still being built

    user = cast("User", request.user)
    form = PasswordForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password is changed."))
        return redirect("admin:me")
    return TemplateResponse(
        request,
        "tasks/simple_form.html",
        {
            **admin.site.each_context(request),
            "title": _("Change password"),
            "form": form,
            "save_word": _("Change password"),
            "back_url": reverse("admin:me"),
            "back_word": _("Your settings"),
        },
    )


def _save_me(request: HttpRequest, form: MeForm, user: User) -> HttpResponse:
    save_profile(user=user, timezone=form.cleaned_data["timezone"])
    language = form.cleaned_data["language"]
    with translation.override(language):
        messages.success(request, _("Your settings are saved."))
    answer = redirect("admin:me")
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 86_400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer

"""What other programs may reach: a person's API tokens, and addresses of a task's latest items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tasks.models import ApiToken, DataLink, Task
from tasks.services.data_links import FORMATS, create_data_link, path_of, revoke_data_link
from tasks.services.errors import InvalidInput
from tasks.services.tokens import create_token, revoke_token
from tasks.web import names, when
from tasks.web.actions import action, actor_of
from tasks.web.forms.access import SCOPE_WORDS, DataLinkForm, TokenForm
from tasks.web.forms.simple import SimpleForm
from tasks.web.zones import zone_of


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    sub: str
    cells: list[str]
    revoke_url: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What can be seen this once."""

    word: str
    value: str


def tokens(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST if request.method == "POST" else None)
    shown: list[Shown] = []
    if request.method == "POST" and form.is_valid():
        shown = _new_token(request, form)
    user = cast("User", request.user)
    rows = ApiToken.objects.filter(user=user, revoked_at__isnull=True)
    words = {
        "title": _("API access"),
        "intro": _("A token lets a program do what you may do, as far as you allow it here."),
        "columns": [_("Name"), _("Allowed to"), _("Works until"), _("Last used")],
        "rows": [_token_row(request, token) for token in rows],
        "empty": _("You have no token."),
        "save_word": _("Make a token"),
        "shown_note": _("Copy it now: it can't be shown again."),
        "back_url": reverse("admin:me"),
        "back_word": _("Your settings"),
        "docs_url": "/api/v1/docs",
    }
    return _page(request, form, shown, words)


def _new_token(request: HttpRequest, form: TokenForm) -> list[Shown]:
    try:
        token, secret = create_token(
            user=cast("User", request.user),
            name=form.cleaned_data["name"],
            scopes=form.scopes(),
            expires_at=form.expires_at(),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        form.show(error)
        return []
    return [Shown(token.name, secret)]


def _token_row(request: HttpRequest, token: ApiToken) -> Row:
    return Row(
        token.name,
        f"{token.prefix}…",
        [
            ", ".join(str(SCOPE_WORDS.get(scope, scope)) for scope in token.scopes),
            _moment(request, token.expires_at, _("it is revoked")),
            _moment(request, token.last_used_at, _("never")),
        ],
        reverse("admin:token_revoke", args=[token.pk]),
    )


@action
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    revoke_token(token_id=pk, actor=actor_of(request))
    messages.success(request, _("The token no longer works."))
    return redirect("admin:me_tokens")


def data_links(request: HttpRequest, pk: int) -> HttpResponse:
    task = Task.objects.filter(pk=pk).first()
    if task is None:
        raise Http404
    if not request.user.has_perm("tasks.view_datalink"):
        raise PermissionDenied
    form = DataLinkForm(request.POST if request.method == "POST" else None)
    shown: list[Shown] = []
    if request.method == "POST" and form.is_valid():
        shown = _new_link(request, task, form)
    rows = DataLink.objects.filter(task=task, revoked_at__isnull=True)
    words = {
        "title": _("Addresses of the latest items"),
        "intro": _(
            "A spreadsheet can refresh from such an address: it always has the items of the last "
            "run that ended well. Whoever has the address can read them without logging in."
        ),
        "columns": [_("Name"), _("Made by"), _("Last used")],
        "rows": [_link_row(request, link) for link in rows],
        "empty": _("There is no address."),
        "save_word": _("Make an address"),
        "shown_note": _("Copy what you need now: it can't be shown again."),
        "back_url": reverse("admin:tasks_task_change", args=[task.pk]),
        "back_word": task.name,
    }
    return _page(request, form, shown, words)


def _new_link(request: HttpRequest, task: Task, form: DataLinkForm) -> list[Shown]:
    if not request.user.has_perm("tasks.add_datalink"):
        raise PermissionDenied
    try:
        _link, secret = create_data_link(
            task_id=task.task_id, name=form.cleaned_data["name"], actor=actor_of(request)
        )
    except InvalidInput as error:
        form.show(error)
        return []
    return [Shown(form_.upper(), settings.SITE_URL + path_of(secret, form_)) for form_ in FORMATS]


def _link_row(request: HttpRequest, link: DataLink) -> Row:
    return Row(
        link.name or _("Without a name"),
        "",
        [names.full_name(link.created_by), _moment(request, link.last_used_at, _("never"))],
        reverse("admin:data_link_revoke", args=[link.pk]),
    )


@action
def data_link_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    link = DataLink.objects.filter(pk=pk).first()
    revoke_data_link(link_id=pk, actor=actor_of(request))
    messages.success(request, _("The address no longer works."))
    return redirect("admin:task_data_links", pk=link.task_id if link else 0)


def _moment(request: HttpRequest, moment: datetime | None, otherwise: str) -> str:
    if moment is None:
        return otherwise
    return str(when.absolute(moment, timezone.now(), zone_of(request.user)))


def _page(
    request: HttpRequest, form: SimpleForm, shown: list[Shown], words: dict[str, Any]
) -> HttpResponse:
    fresh = type(form)() if shown else form
    context = {**admin.site.each_context(request), **words, "form": fresh, "shown": shown}
    # The admin forbids caching of all its pages: a secret stays nowhere.
    return TemplateResponse(request, "tasks/access.html", context)

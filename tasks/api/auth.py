from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer

from tasks.services.actors import Actor, person
from tasks.services.errors import Forbidden
from tasks.services.tokens import SCOPES, verify_token


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks: a person by their session, or by a token that narrows their rights."""

    user: User
    scopes: frozenset[str]
    # Distinguishes callers for rate limits.
    ident: str

    @property
    def actor(self) -> Actor:
        return person(self.user, "api")

    def demand(self, permission: str) -> None:
        self.actor.demand(permission)

    def demand_scope(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Forbidden(_("This token lacks the scope “%s”.") % scope)


if TYPE_CHECKING:

    class ApiRequest(HttpRequest):
        auth: Caller
else:
    ApiRequest = HttpRequest


def caller_of(request: HttpRequest) -> Caller:
    return cast("ApiRequest", request).auth


def known_caller(request: HttpRequest) -> Caller | None:
    """Set where this very request was let in before."""
    known = getattr(request, "auth", None)
    return known if isinstance(known, Caller) else None


class Token(HttpBearer):
    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller | None:
        header = request.headers.get(self.header, "")
        if not header:
            return None
        # “Token” is what clients of other Django sites are used to.
        scheme, _blank, secret = header.partition(" ")
        is_token = scheme.lower() in {"bearer", "token"}
        caller = known_caller(request) or (self.authenticate(request, secret) if is_token else None)
        if caller is None:
            # A wrong token must not fall back to the session of the browser it came from.
            raise AuthenticationError
        caller.demand_scope(self.scope)
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        found = verify_token(token.strip())
        if found is None:
            return None
        scopes = frozenset(found.scopes)
        return Caller(user=found.user, scopes=scopes, ident=f"token:{found.pk}")


class Session(APIKeyCookie):
    """The session of the admin; anything but reading needs the CSRF token."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Caller | None:
        if not request.user.is_authenticated:
            # There is nothing to forge: that is 401, not a failed CSRF check.
            return None
        # The CSRF check may look for its token in a form, after which the body can't be read.
        _ = request.body
        return super().__call__(request)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        user = cast("User", request.user)
        return Caller(user=user, scopes=frozenset(SCOPES), ident=f"user:{user.pk}")


READ = [Token("read"), Session()]
RUN = [Token("run"), Session()]
WRITE = [Token("write"), Session()]

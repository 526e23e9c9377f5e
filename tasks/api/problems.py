"""Every refusal in one shape: application/problem+json (RFC 9457) with the messages by field."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from pydantic import BaseModel, Field

from tasks.services.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable

CONTENT_TYPE = "application/problem+json"
# Names that only the code gives to a body or a group of query parameters.
WRAPPERS = {"data", "query"}

# By pydantic's name of the error: which limit it carries, and what is said.
SENTENCES = {
    "missing": ("", gettext_lazy("This is needed.")),
    "extra_forbidden": ("", gettext_lazy("There is no field of this name.")),
    "greater_than_equal": ("ge", gettext_lazy("Enter %s or more.")),
    "less_than_equal": ("le", gettext_lazy("Enter %s or less.")),
    "string_too_short": ("min_length", gettext_lazy("Enter at least %s characters.")),
    "string_too_long": ("max_length", gettext_lazy("Enter at most %s characters.")),
    "too_short": ("min_length", gettext_lazy("Enter at least %s.")),
    "too_long": ("max_length", gettext_lazy("Enter at most %s.")),
    "literal_error": ("expected", gettext_lazy("Choose one of: %s.")),
    "string_pattern_mismatch": ("", gettext_lazy("This is not in the form that is expected.")),
}
KINDS = {
    "string_type": gettext_lazy("text"),
    "int_type": gettext_lazy("a whole number"),
    "int_parsing": gettext_lazy("a whole number"),
    "float_type": gettext_lazy("a number"),
    "bool_type": gettext_lazy("yes or no"),
    "bool_parsing": gettext_lazy("yes or no"),
    "list_type": gettext_lazy("a list"),
    "dict_type": gettext_lazy("named values"),
    "model_type": gettext_lazy("named values"),
}

logger = logging.getLogger(__name__)


class PreconditionFailed(InvalidInput):
    """If-Match names a version that the task no longer has."""


class Problem(BaseModel):
    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["task_ids: This is needed."])
    errors: dict[str, list[str]] = Field(
        default_factory=dict, examples=[{"task_ids": ["This is needed."]}]
    )


def problem(
    status: int,
    detail: str,
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": {name: list(texts) for name, texts in (errors or {}).items()},
        **more,
    }
    return HttpResponse(
        json.dumps(body), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {})
    )


def status_of(error: InvalidInput, request: HttpRequest) -> int:
    codes = {NotFound: 404, Forbidden: 403, Conflict: 409, PreconditionFailed: 412}
    return next(
        (code for kind, code in codes.items() if isinstance(error, kind)), invalid_status(request)
    )


def invalid_status(request: HttpRequest) -> int:
    """The gateway's paths say 400 for wrong input, all others 422."""
    match = request.resolver_match
    is_gateway = match is not None and (match.url_name or "").startswith("gateway")
    return HTTPStatus.BAD_REQUEST if is_gateway else HTTPStatus.UNPROCESSABLE_ENTITY


def refused(request: HttpRequest, error: InvalidInput) -> HttpResponse:
    more: dict[str, Any] = (
        {"run_id": error.run_id} if isinstance(error, Conflict) and error.run_id else {}
    )
    return problem(status_of(error, request), str(error), errors=error.errors, **more)


def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors: dict[str, list[str]] = {}
    for each in error.errors:
        errors.setdefault(field_of(each["loc"]), []).append(sentence(each))
    # What can be no id is none that is known.
    is_missing = any(each["loc"][0] == "path" for each in error.errors)
    detail = "; ".join(InvalidInput(errors).sentences())
    return problem(404 if is_missing else invalid_status(request), detail, errors=errors)


def field_of(location: Sequence[Any]) -> str:
    parts = [str(part) for part in location[1:]]
    if parts and parts[0] in WRAPPERS:
        parts = parts[1:]
    return ".".join(parts)


def sentence(error: Mapping[str, Any]) -> str:
    """In the words of the forms, and in their language; the rest as pydantic says it."""
    kind, limits = str(error["type"]), error.get("ctx") or {}
    if kind in KINDS:
        return _("This is not of the kind that is expected (%s).") % KINDS[kind]
    if kind not in SENTENCES or limits.get("min_length") == 1:
        return _("This is needed.") if limits.get("min_length") == 1 else str(error["msg"])
    name, message = SENTENCES[kind]
    return str(message) % limits[name] if name in limits else str(message)


def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, InvalidInput):  # Ninja calls each error of a parser this
        return refused(request, error.__cause__)
    return problem(error.status_code, str(error))


def not_signed_in(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    message = _("Sign in, or send a valid token: “Authorization: Bearer …”.")
    return problem(401, message, headers={"WWW-Authenticate": "Bearer"})


def throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    return problem(429, _("Too many requests. Wait a moment."))


def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, _("There is nothing at this address."))


def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(413, _("The request is too large."))


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(503, str(error))


def database_error(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    logger.error("The database refused a request: %s", type(error).__name__, exc_info=error)
    return problem(503, _("The database does not answer. Try again in a moment."))


def install(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Any] = {
        InvalidInput: refused,
        ValidationError: invalid,
        HttpError: http_error,
        AuthenticationError: not_signed_in,
        Throttled: throttled,
        Http404: missing,
        RequestDataTooBig: too_big,
        Unavailable: unavailable,
        DatabaseError: database_error,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)

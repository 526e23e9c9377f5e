"""What holds for every operation, around its own work."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja.operation import Operation

from tasks.api.auth import caller_of
from tasks.services import idempotency
from tasks.services.errors import InvalidInput

Run = Callable[..., HttpResponseBase]
# Of an answer that is given again.
KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def guard(run: Run) -> Run:
    operation: Operation = run.__self__  # type: ignore[attr-defined]  # Ninja's bound method
    known = query_names(operation)

    @wraps(run)
    def guarded(request: HttpRequest, **values: Any) -> HttpResponseBase:
        unknown = sorted(set(request.GET) - known)
        key = request.headers.get(idempotency.HEADER) if request.method == "POST" else None
        if not unknown and key is None:
            return run(request, **values)
        refusal = operation._run_checks(request)  # who may not ask learns nothing
        if refusal is not None:
            return refusal
        try:
            if unknown:
                raise _unknown(unknown)
            return once(lambda: run(request, **values), request, key or "")
        except InvalidInput as error:
            return operation.api.on_exception(request, error)

    return guarded


def once(run: Callable[[], HttpResponseBase], request: HttpRequest, key: str) -> HttpResponseBase:
    owner = f"user:{caller_of(request).user.pk}"
    row = idempotency.begin(owner=owner, key=key, request_hash=hash_of(request))
    if isinstance(row, idempotency.Replay):
        return replayed(row)
    done = False
    try:
        response = run()
        if isinstance(response, HttpResponse) and response.status_code < 500:
            idempotency.finish(row, status=response.status_code, response=stored(response))
            done = True
        return response
    finally:
        if not done:
            idempotency.abandon(row)


def hash_of(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + request.body).hexdigest()


def stored(response: HttpResponse) -> dict[str, Any]:
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    return {"text": response.content.decode(), "headers": headers}


def replayed(row: idempotency.Replay) -> HttpResponse:
    headers = {**row.response["headers"], "Idempotency-Replayed": "true"}
    return HttpResponse(row.response["text"], status=row.status, headers=headers)


def query_names(operation: Operation) -> set[str]:
    models = [each for each in operation.models if each.__ninja_param_source__ == "query"]
    return {name for model in models for name in getattr(model, "__ninja_flatten_map__", ())}


def _unknown(names: list[str]) -> InvalidInput:
    return InvalidInput({name[:100]: [_("There is no parameter of this name.")] for name in names})

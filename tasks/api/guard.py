"""What holds for every operation, before its own work."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja.operation import Operation

from tasks.services.errors import InvalidInput

Run = Callable[..., HttpResponseBase]


def guard(run: Run) -> Run:
    operation: Operation = run.__self__  # type: ignore[attr-defined]  # Ninja's bound method
    known = query_names(operation)

    @wraps(run)
    def guarded(request: HttpRequest, **values: Any) -> HttpResponseBase:
        unknown = sorted(set(request.GET) - known)
        if not unknown:
            return run(request, **values)
        refusal = operation._run_checks(request)  # who may not ask learns nothing
        return refusal or operation.api.on_exception(request, _unknown(unknown))

    return guarded


def query_names(operation: Operation) -> set[str]:
    models = [each for each in operation.models if each.__ninja_param_source__ == "query"]
    return {name for model in models for name in getattr(model, "__ninja_flatten_map__", ())}


def _unknown(names: list[str]) -> InvalidInput:
    return InvalidInput({name[:100]: [_("There is no parameter of this name.")] for name in names})
